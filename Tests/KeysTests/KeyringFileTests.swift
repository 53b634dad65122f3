import EventSourcing
import Foundation
import Synchronization
import Testing
import WireProtocol
import ZeroMQ

@testable import Keys

@Suite final class `Keyring file` {
    private let path = URL(filePath: NSTemporaryDirectory())
        .appending(path: "daybook-\(UUID().uuidString)")
    private let time = Timestamp(microseconds: 1_769_860_800_000_000)
    private var keyring = Keyring()

    deinit { try? FileManager.default.removeItem(at: path) }

    /// The file of a keyring with one key, and that key.
    private func file() throws -> (KeyringFile, key: String) {
        let key = try CurveKeyPair.generate().publicKey
        try keyring.add("orders", key, at: time)
        try keyring.write(to: path)
        // An old file, so that the time of any later write differs.
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: path.path)
        return (try KeyringFile(path), key.description)
    }

    @Test func `Handshake after a change of the file uses the changed keyring`() throws {
        let (file, key) = try file()
        #expect(file.currentCaller(of: key)?.name == "orders")
        #expect(file.key(of: "orders")?.description == key)
        #expect(file.takeChangedSenders().isEmpty)
        try keyring.revoke("orders", at: time)
        try keyring.write(to: path)
        #expect(file.currentCaller(of: key) == nil && file.caller(of: key) == nil)
        #expect(file.key(of: "orders") == nil)
        #expect(file.takeChangedSenders() == [key])
        #expect(file.takeChangedSenders().isEmpty)
    }

    @Test func `Last keyring stays valid while the file can't be read`() throws {
        let (file, key) = try file()
        try Data("{".utf8).write(to: path)
        #expect(file.currentCaller(of: key)?.name == "orders")
        try FileManager.default.removeItem(at: path)
        #expect(file.currentCaller(of: key)?.name == "orders")
        #expect(file.takeChangedSenders().isEmpty)
    }

    @Test func `Keyring reports once when its file is broken, missing and valid again`() throws {
        let key = try CurveKeyPair.generate().publicKey.description
        _ = try file()
        let reports = Mutex<[KeyringHealth]>([])
        let watched = try KeyringFile(path) { health in reports.withLock { $0.append(health) } }
        let changes = { reports.withLock { $0.map(\.fault) } }
        func look() { for _ in 1...3 { #expect(watched.currentCaller(of: key) == nil) } }
        look()
        #expect(changes().isEmpty)
        try Data("{".utf8).write(to: path)
        look()
        #expect(changes().count == 1 && changes()[0]?.contains("is not a keyring") == true)
        try FileManager.default.removeItem(at: path)
        look()
        #expect(changes().count == 2 && changes()[1]?.contains("can't be read") == true)
        try keyring.write(to: path)
        look()
        #expect(changes().count == 3 && changes()[2] == nil)
    }

    @Test func `Keyring reports when it loses the process's own key`() throws {
        let (_, key) = try file()
        let reports = Mutex<[KeyringHealth]>([])
        let watched = try KeyringFile(path, ownKey: key) { health in
            reports.withLock { $0.append(health) }
        }
        #expect(watched.currentCaller(of: key) != nil && watched.health.hasOwnKey)
        // A keyring that can't be read does not take the key away.
        let whole = try Data(contentsOf: path)
        try Data("{".utf8).write(to: path)
        #expect(watched.currentCaller(of: key) != nil)
        try whole.write(to: path)
        #expect(watched.currentCaller(of: key) != nil)
        try keyring.revoke("orders", at: time)
        try keyring.write(to: path)
        #expect(watched.currentCaller(of: key) == nil)
        #expect(reports.withLock { $0.map(\.hasOwnKey) } == [true, true, false])
    }
}
