import EventSourcing
import Foundation
import Keys
import Testing
import WireProtocol
import ZeroMQ

@Suite final class Keyrings {
    private let file = URL(filePath: NSTemporaryDirectory())
        .appending(path: "daybook-\(UUID().uuidString)")
    private var copy: URL { file.appendingPathExtension("new") }
    private let time = Timestamp(microseconds: 1_769_860_800_000_000)

    deinit {
        try? FileManager.default.removeItem(at: file)
        try? FileManager.default.removeItem(at: copy)
    }

    private func newKey() throws -> CurvePublicKey { try CurveKeyPair.generate().publicKey }

    @Test func `Name has one valid key at a time`() throws {
        let (first, second) = (try newKey(), try newKey())
        var keyring = Keyring()
        try keyring.add("orders", first, at: time)
        #expect(keyring.key(of: "orders") == first && keyring.key(of: "route") == nil)
        let error = #expect(throws: DaybookError.self) {
            try keyring.add("orders", second, at: time)
        }
        #expect(error?.kind == .rejected)
        #expect(error?.description.hasSuffix("event-store keys revoke orders") == true)
        try keyring.revoke("orders", at: time)
        #expect(keyring.key(of: "orders") == nil)
        #expect(throws: DaybookError.self) { try keyring.revoke("orders", at: time) }
        try keyring.add("orders", second, at: time)
        #expect(keyring.key(of: "orders") == second)
        #expect(keyring.keys.map(\.revokedAt) == [time, nil])
    }

    @Test func `Key has its own permissions, or else those of its name`() throws {
        var keyring = Keyring()
        let permissions = Permissions(read: ["order"])
        try keyring.add("orders", newKey(), at: time)
        try keyring.add("ann", newKey(), at: time, permissions)
        #expect(keyring.keys[0].effectivePermissions == .standard(of: "orders"))
        #expect(keyring.keys[1].effectivePermissions == permissions)
    }

    @Test func `New key without permissions may only read, unless it is a process of the suite`()
        throws
    {
        var keyring = Keyring()
        for name in ["event-store", "orders", "ann"] {
            try keyring.add(name, newKey(), at: time)
        }
        #expect(keyring.keys.map(\.permissions) == [nil, nil, Permissions()])
        #expect(keyring.keys[0].effectivePermissions == .everything)
        #expect(
            keyring.keys[1].effectivePermissions
                == Permissions(append: ["order"], receive: ["orders"]))
        #expect(keyring.keys[2].effectivePermissions == Permissions(read: [Permissions.any]))
    }

    @Test func `Key that an earlier version made without permissions keeps those of its name`()
        throws
    {
        let text = """
            {"version":1,"keys":[{"name":"ann","publicKey":"\(try newKey())",
             "createdAt":"2026-01-31T12:00:00Z"}]}
            """
        try Data(text.utf8).write(to: file)
        let permissions = try Keyring(file).keys[0].effectivePermissions
        #expect(permissions == Permissions(commands: [Permissions.any], administers: true))
    }

    @Test func `Keyring is read as it was written, to a new file and over an old one`() throws {
        var keyring = Keyring()
        for name in ["orders", "route"] {
            try keyring.add(name, newKey(), at: time)
            try keyring.write(to: file)
            #expect(try Keyring(file) == keyring)
            #expect(!FileManager.default.fileExists(atPath: copy.path))
        }
        // The shorter content leaves nothing of the longer one.
        try Keyring().write(to: file)
        #expect(try Keyring(file) == Keyring())
    }

    @Test func `Damaged keyring is named, with the copy that the last write left`() throws {
        func error() -> DaybookError? {
            #expect(throws: DaybookError.self) { try Keyring(file) }
        }
        #expect(error()?.kind == .invalid)
        try Data("{".utf8).write(to: file)
        #expect(error()?.kind == .damaged)
        #expect(error()?.description.hasPrefix("\(file.path) is not a keyring: ") == true)
        #expect(error()?.description.contains(copy.path) == false)
        try Data("{}".utf8).write(to: copy)
        let hint = "; \(copy.path) has the content of the last write"
        #expect(error()?.description.hasSuffix(hint) == true)
        try Data(#"{"version":2,"keys":[]}"#.utf8).write(to: file)
        #expect(error()?.kind == .invalid)
        #expect(error()?.description.hasSuffix("has version 2, not 1") == true)
    }
}
