# lakegate in a container: built from source, run as nobody, data in /data.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN make build

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libstdc++6 tzdata \
    && rm -rf /var/lib/apt/lists/* && install -d -o nobody -g nogroup /data
COPY --from=build /src/bin/ /usr/local/bin/
USER nobody
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["lakegate"]
CMD ["serve", "--config", "/etc/lakegate/lakegate.yaml"]
