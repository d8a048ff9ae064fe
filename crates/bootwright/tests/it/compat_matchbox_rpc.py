"""The calls of matchbox's provider of Terraform, in its order, by Python's grpc; messages written by hand from the field numbers."""
import sys, grpc

server, ca, cert, key, mode = sys.argv[1:6]

def varint(n):
    out = b""
    while True:
        out += bytes([n & 0x7f | (0x80 if n > 0x7f else 0)])
        n >>= 7
        if not n:
            return out

def field(number, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(data)) + data

def fields(data):
    found, at = {}, 0
    while at < len(data):
        def number():
            nonlocal at
            value = shift = 0
            while True:
                byte = data[at]; at += 1
                value |= (byte & 0x7f) << shift; shift += 7
                if byte < 0x80:
                    return value
        tag = number(); length = number()
        assert tag & 7 == 2, tag
        found.setdefault(tag >> 3, []).append(data[at:at + length]); at += length
    return found

def read(path):
    with open(path, "rb") as file:
        return file.read()

if mode == "plain":
    channel = grpc.insecure_channel(server)
else:
    own = (None, None) if mode == "no-certificate" else (read(key), read(cert))
    channel = grpc.secure_channel(server, grpc.ssl_channel_credentials(read(ca), *own))

def call(name, request=b""):
    return channel.unary_unary("/rpcpb." + name)(request, timeout=20)

def fails(name, request):
    try:
        call(name, request)
    except grpc.RpcError as error:
        return error.code().name
    raise SystemExit(f"{name} was answered")

if mode != "good":
    print(fails("Profiles/ProfileList", b""))
    sys.exit(0)

# What the provider does for a profile and a group: it looks whether they are there, writes them, and reads them.
which = lambda name: field(1, name)
assert fails("Profiles/ProfileGet", which("worker")) == "UNKNOWN"
boot = field(1, "/assets/linux") + field(2, "--name main /assets/initrd") + field(4, "initrd=main") + field(4, "u={{ run.url }}")
profile = field(1, "worker") + field(2, "Worker") + field(3, "worker.ign") + field(5, boot) + field(6, "worker")
call("Profiles/ProfilePut", field(1, profile))
ignition = b'{"ignition": {"version": "3.1.0"}}'
call("Ignition/IgnitionPut", field(1, "worker.ign") + field(2, ignition))
call("Generic/GenericPut", field(1, "worker") + field(2, "{{.pool}}\n"))
selector = field(1, "mac") + field(2, "52:54:00:a1:9c:ae")
group = field(1, "node1") + field(3, "worker") + field(4, selector) + field(5, b'{"pool": "a"}')
call("Groups/GroupPut", field(1, group))

got = fields(fields(call("Profiles/ProfileGet", which("worker")))[1][0])
assert got[1] == [b"worker"] and got[3] == [b"worker.ign"] and got[6] == [b"worker"], got
assert fields(got[5][0]) == fields(boot), got[5]
assert fields(call("Ignition/IgnitionGet", which("worker.ign"))) == {1: [ignition]}
assert fields(call("Generic/GenericGet", which("worker"))) == {1: [b"{{.pool}}\n"]}
got = fields(fields(call("Groups/GroupGet", which("node1")))[1][0])
assert got[1] == [b"node1"] and got[3] == [b"worker"] and got[4] == [selector] and got[5] == [b'{"pool":"a"}'], got
assert len(fields(call("Groups/GroupList"))[1]) == 1
assert len(fields(call("Profiles/ProfileList"))[1]) == 1
found = fields(call("Select/SelectGroup", field(1, selector)))
assert fields(found[1][0])[1] == [b"node1"]
assert fails("Select/SelectGroup", field(1, field(1, "mac") + field(2, "52:54:00:00:00:01"))) == "NOT_FOUND"
found = fields(call("Select/SelectProfile", field(1, selector)))
assert fields(found[1][0])[1] == [b"worker"]

for name in ["../worker", "/etc/passwd", "", ".", "..", ".hidden", "a/b"]:
    assert fails("Ignition/IgnitionGet", which(name)) == "UNKNOWN", name
    assert fails("Generic/GenericPut", field(1, name) + field(2, "x")) == "UNKNOWN", name
    assert fails("Groups/GroupDelete", which(name)) == "UNKNOWN", name
for name in ["Groups/GroupGet", "Profiles/ProfileGet", "Ignition/IgnitionGet", "Generic/GenericGet", "Groups/GroupDelete"]:
    assert fails(name, which("missing")) == "UNKNOWN", name
assert fails("Cloud/CloudPut", b"") == "UNIMPLEMENTED"

if len(sys.argv) > 6:
    call("Groups/GroupDelete", which("node1"))
    call("Profiles/ProfileDelete", which("worker"))
    call("Ignition/IgnitionDelete", which("worker.ign"))
    call("Generic/GenericDelete", which("worker"))
    assert fails("Groups/GroupGet", which("node1")) == "UNKNOWN"
print("good")
