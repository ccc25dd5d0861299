# The Debian release and the Python in it; any image with python3 and its venv module will do.
ARG BASE=python:3.13.14-slim-trixie

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /opt/venv
COPY requirements-service.txt requirements-assets.txt /tmp/
# For a package index of your own: docker build --secret id=pip,src=pip.conf
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/venv/bin/pip install --requirement /tmp/requirements-service.txt && \
    /opt/venv/bin/pip install --no-deps --requirement /tmp/requirements-assets.txt && \
    /opt/venv/bin/pip uninstall --yes pip
COPY flexdb /app/flexdb
COPY migrations /app/migrations
COPY gunicorn.conf.py wsgi.py /app/
# Whatever the umask of who builds, everyone may read, and nobody but root may write.
RUN /opt/venv/bin/python -m compileall -q /app && chmod -R u=rwX,go=rX /app

FROM ${BASE}
LABEL org.opencontainers.image.title="flexdb" \
      org.opencontainers.image.description="A Database-as-a-Service over JSON-RPC and REST on PostgreSQL" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 flexdb && \
    useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --no-log-init \
        --shell /usr/sbin/nologin flexdb && \
    install --directory --owner=10001 --group=10001 /run/flexdb
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
# yoyo writes down who migrates, and a uid of one's own choice has no name.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    USER=flexdb LOGNAME=flexdb
# The original asks nobody who calls; each start says how to close it.
ENV AUTH=open
# As a number, so that an orchestrator can see that it is not root.
USER 10001:10001
EXPOSE 5000
STOPSIGNAL SIGTERM
# Without a proxy: http.client knows of none.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["python", "-c", \
    "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', os.getenv('JSONRPC_PORT') or 5000, timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["python", "wsgi.py"]
