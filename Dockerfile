# The bot alone; its data (the index) lives on a volume. No torch, no model download.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/wanggui
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY bot bot
COPY knowledge knowledge
COPY prompts prompts
RUN /opt/wanggui/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt '.[llm]'

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin wanggui \
    && install -d -o wanggui -g wanggui -m 0700 /data
COPY --from=build /opt/wanggui /opt/wanggui
ENV PATH=/opt/wanggui/bin:$PATH PYTHONUNBUFFERED=1 WANGGUI_DATA_DIR=/data HOME=/data
USER wanggui
WORKDIR /data
VOLUME /data
HEALTHCHECK --interval=300s --timeout=20s --start-period=60s --retries=3 CMD ["wanggui", "doctor", "--quiet"]
ENTRYPOINT ["wanggui"]
CMD ["run"]
