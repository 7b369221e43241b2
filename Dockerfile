# syntax=docker/dockerfile:1

FROM python:3.13-slim AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
RUN python -m venv /opt/contentql \
    && /opt/contentql/bin/pip install --constraint constraints.txt '.[redis,oidc,telemetry]'

FROM python:3.13-slim
RUN groupadd --system --gid 10001 contentql \
    && useradd --system --uid 10001 --gid contentql --no-create-home --shell /usr/sbin/nologin contentql \
    && install --directory --owner=contentql --group=contentql --mode=0750 /data
COPY --from=build /opt/contentql /opt/contentql
ENV PATH=/opt/contentql/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CONTENTQL_HOST=0.0.0.0 \
    CONTENTQL_PORT=8000 \
    CONTENTQL_DATABASE_URL=sqlite:////data/newsroom.sqlite3
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# The root file system may be read-only: only /data (SQLite) and /tmp (metrics of several workers) are written.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['CONTENTQL_PORT'] + '/health/ready', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["contentql"]
CMD ["serve"]
