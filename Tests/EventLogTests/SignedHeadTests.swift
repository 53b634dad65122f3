import Crypto
import EventSourcing
import Foundation
import JSON
import Testing

@testable import EventLog

@Suite final class `Signed heads` {
    private let file = NSTemporaryDirectory() + "daybook-" + UUID().uuidString
    private let key = Curve25519.Signing.PrivateKey()
    private let hash = String(repeating: "ab", count: 32)

    deinit { try? FileManager.default.removeItem(atPath: file) }

    private func head(time: Timestamp? = Timestamp(microseconds: 9)) throws -> SignedHead {
        try SignedHead(
            of: EventID(high: 1, low: 2), at: 1005, time: time, hash: hash, signedWith: key)
    }

    /// Writes the head to the file, with `replacement` in the place of `text`.
    private func write(replacing text: String = "x", with replacement: String = "x") throws {
        let written = try JSON.text(head()).replacing(text, with: replacement, maxReplacements: 1)
        try Data(written.utf8).write(to: URL(filePath: file))
    }

    @Test func `Signed head names its point to who trusts its key, or any key`() throws {
        try write()
        let head = try SignedHead(file: file)
        #expect(head.log == EventID(high: 1, low: 2) && head.position == 1005)
        for trusted in [key.publicKey, nil] {
            let point = try head.point(trusting: trusted)
            #expect(point.position == 1005 && point.hash.description == hash)
        }
    }

    @Test func `Signed head of another key than the trusted one is rejected`() throws {
        let other = Curve25519.Signing.PrivateKey().publicKey
        let error = #expect(throws: DaybookError.self) { try head().point(trusting: other) }
        #expect(error?.description.hasSuffix("not by the trusted key") == true)
    }

    @Test(arguments: [
        (#""position":1005"#, #""position":1006"#), (#""hash":"ab"#, #""hash":"ac"#),
        ("-000000000002", "-000000000003"),
    ])
    func `Altered head is rejected`(text: String, replacement: String) throws {
        try write(replacing: text, with: replacement)
        let error = #expect(throws: DaybookError.self) {
            try SignedHead(file: file).point(trusting: nil)
        }
        #expect(error?.description == "the signature of the head is wrong: the head was altered")
    }

    @Test func `File that is not a signed head is rejected with its path`() throws {
        #expect(throws: DaybookError(.invalid, "can't read \(file)")) {
            try SignedHead(file: file)
        }
        try write(replacing: #""format":1"#, with: #""format":2"#)
        let expected = "\(file) has format version 2; this program reads 1"
        #expect(throws: DaybookError(.invalid, expected)) { try SignedHead(file: file) }
        try write(replacing: #""hash""#, with: #""hush""#)
        let error = #expect(throws: DaybookError.self) { try SignedHead(file: file) }
        #expect(error?.description.hasPrefix("\(file) is not a signed head: ") == true)
    }

    @Test func `Head of a log without events can't be signed`() {
        #expect(throws: DaybookError(.invalid, "the log has no event")) { try head(time: nil) }
    }
}
