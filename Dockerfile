# Bootwright in a container: built on Debian with Debian's own Rust, delivered as the binary, the three libraries it is
# linked with, and the boot firmware.
ARG DEBIAN=debian:trixie-slim

FROM ${DEBIAN} AS builder
# Debian's `cargo-web` and `rustc-web` are the current Rust, kept up for the browsers; gcc is for the bundled SQLite.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        ca-certificates cargo-web gcc libc6-dev libcap2-bin rustc-web \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The binary is stripped below; what a debugger would read need not be written first.
ENV CARGO_PROFILE_RELEASE_DEBUG=none
RUN cargo build --release --locked --package bootwright --package xtask
# The same manifest as everywhere; firmware that came along with the sources is verified and not fetched again.
RUN target/release/xtask firmware
# The final image, laid out: the binary with the two rights it needs, its libraries where the linker wrote them down,
# the firmware with its licence, and directories that the daemon may write to.
RUN set -eu; out=/out; binary=$out/usr/bin/bootwright; \
    install -D --strip --mode=0755 target/release/bootwright $binary; \
    ldd $binary | grep -o '/[^ ]*' | xargs cp --parents --dereference --target-directory=$out; \
    setcap cap_net_bind_service,cap_net_raw+ep $binary; \
    install -d $out/usr/share/bootwright/firmware $out/usr/share/doc/bootwright $out/etc/bootwright; \
    find firmware -maxdepth 1 -type f -exec install --mode=0644 --target-directory=$out/usr/share/bootwright/firmware {} +; \
    install --mode=0644 LICENSE-APACHE LICENSE-MIT --target-directory=$out/usr/share/doc/bootwright; \
    echo 'root:x:0:0:root:/:/nonexistent' > $out/etc/passwd; \
    echo 'bootwright:x:10001:10001:Bootwright:/var/lib/bootwright:/nonexistent' >> $out/etc/passwd; \
    printf 'root:x:0:\nbootwright:x:10001:\n' > $out/etc/group; \
    install -d --mode=1777 $out/tmp; \
    install -d --owner=10001 --group=10001 --mode=0750 $out/var/lib/bootwright $out/run/bootwright

FROM scratch
COPY --from=builder /out/ /
USER 10001:10001
EXPOSE 67/udp 69/udp 4011/udp 8080/tcp
ENTRYPOINT ["/usr/bin/bootwright"]
CMD ["serve"]
