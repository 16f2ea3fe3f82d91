# breakeven with the embedded store: wheels are made in the first stage, the second has no compiler and no root.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /app
COPY requirements-run.txt ./
RUN /app/bin/pip install --no-cache-dir --require-hashes -r requirements-run.txt
COPY pyproject.toml README.md LICENSE ./
COPY alerts alerts
COPY breakeven breakeven
COPY collector collector
COPY dashboards dashboards
COPY exporters exporters
COPY ledger ledger
RUN /app/bin/pip install --no-cache-dir hatchling==1.33.0 \
 && /app/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /app/bin/pip uninstall -q -y hatchling

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home --home-dir /var/lib/breakeven breakeven
COPY --from=build /app /app
USER 10001
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 BREAKEVEN_STORE=/var/lib/breakeven/store
VOLUME /var/lib/breakeven
EXPOSE 8400
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8400/readyz', timeout=4)"]
ENTRYPOINT ["breakeven"]
CMD ["run"]
