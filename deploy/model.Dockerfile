# Ollama as nobody in particular, its models on a volume.
FROM ollama/ollama:0.9.0
RUN install -d -o 10003 -g 10003 /models
USER 10003:10003
