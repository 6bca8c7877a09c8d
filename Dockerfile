# The bot with its knowledge base built in: every replica starts from its own copy, checked by its fingerprint when it is
# opened. No torch, no model download.
FROM python:3.11.13-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/wanggui
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY bot bot
COPY knowledge knowledge
COPY prompts prompts
RUN /opt/wanggui/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt '.[llm,postgres]'

FROM python:3.11.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin wanggui \
    && install -d -o wanggui -g wanggui -m 0700 /data
COPY --from=build /opt/wanggui /opt/wanggui
ENV PATH=/opt/wanggui/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 WANGGUI_DATA_DIR=/data WANGGUI_LISTEN=127.0.0.1:8080 HOME=/data
USER 10001:10001
WORKDIR /data
RUN ["wanggui", "index"]
# What /data holds so far is copied into each new volume.
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["wanggui", "healthy"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["wanggui"]
CMD ["run"]
