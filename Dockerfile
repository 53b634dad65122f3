# One image with every executable of the suite; a container's command chooses among them.

FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libcurl4-openssl-dev libsqlite3-dev libzmq3-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN scripts/build /dist -Xlinker -s

FROM debian:bookworm-slim AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libcurl4 libsqlite3-0 libzmq5 zlib1g \
    && rm -rf /var/cache/apt /var/lib/apt/lists /usr/share/doc /usr/share/locale /usr/share/man \
    # A fresh volume has the rights of its mount point: whichever user the suite runs as may write there.
    && install -d -m 1777 /data /archives

# In one layer, so that what was removed takes no room.
FROM scratch
COPY --from=runtime / /
COPY --from=build /dist/ /usr/local/bin/
COPY Services/rules.json /usr/local/share/daybook/rules.json
ENV DAYBOOK_HOME=/data
WORKDIR /data
USER 10001:10001
CMD ["event-store", "--help"]
