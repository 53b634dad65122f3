import EventSourcing
import Foundation
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
}
