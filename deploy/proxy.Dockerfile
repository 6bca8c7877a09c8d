# Caddy for ports above 1024, as nobody in particular: without its file capability it runs where all are dropped.
FROM caddy:2.10.0-alpine
RUN setcap -r /usr/bin/caddy && install -d -o 10002 -g 10002 /data /config
USER 10002:10002
