# One image with every executable of the suite; a container's command chooses among them.

FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libsqlite3-dev libzmq3-dev zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN scripts/build-image-binaries /dist

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libsqlite3-0 libzmq5 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    # What a fresh volume has of its mount point: whichever user the suite runs as may write there.
    && install -d -m 1777 /data
COPY --from=build /dist/ /usr/local/bin/
COPY Services/rules.json /usr/local/share/daybook/rules.json
ENV DAYBOOK_HOME=/data
WORKDIR /data
USER 10001:10001
CMD ["event-store", "--help"]
