# syntax=docker/dockerfile:1
# The Node that package.json pins; test/deploy.test.ts compares them.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-trixie-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# The image has Node, and nothing else needs its install script.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY dashboard dashboard
RUN npm run build && npm prune --omit=dev --ignore-scripts

FROM node:${NODE_VERSION}-trixie-slim
# HOME: what servers on stdio cache, such as packages of npx, is kept on the one writable volume.
ENV NODE_ENV=production \
    ASBRU_HOST=0.0.0.0 \
    ASBRU_PORT=8080 \
    ASBRU_APP_DIR=/data \
    HOME=/data
WORKDIR /app
COPY --from=build /build/package.json ./
COPY LICENSE ./
COPY bin bin
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
# A container that is started with any user id has the group 0, unless it is told another one.
RUN install -d -o 1000 -g 0 -m 0770 /data
USER 1000:0
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --start-interval=1s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ASBRU_PORT}/health/live`).then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/bin/asbru.mjs"]
CMD ["start"]
