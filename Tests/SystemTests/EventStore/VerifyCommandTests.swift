import Bytes
import EventLog
import EventSourcing
import EventStoreClient
import Foundation
import IntegrationHarness
import JSON
import TestSupport
import Testing
import WireProtocol

@Suite(.mayBlock, .serialized, .timeLimit(.minutes(10))) struct `Chain verification` {
    private let suite: IntegrationHarness.Suite
    private var log: String { suite.home + "/log" }
    private var key: String { suite.home + "/audit.key" }
    private var publicKey: String { suite.home + "/audit.pub" }

    /// Keys made with `openssl genpkey -algorithm ed25519` and `openssl pkey -pubout`.
    private static let privatePEM = """
        -----BEGIN PRIVATE KEY-----
        MC4CAQAwBQYDK2VwBCIEIBI63BFcSfIy7Jm+U9csGM2tDPnP++c5b7T5iZoReyfQ
        -----END PRIVATE KEY-----

        """
    private static let publicPEM = """
        -----BEGIN PUBLIC KEY-----
        MCowBQYDK2VwAyEAwMu8izsIN1vn424QylAJfhLaRuxZUakRMDZ5WEon1bk=
        -----END PUBLIC KEY-----

        """
    private static let publicBase64 = "wMu8izsIN1vn424QylAJfhLaRuxZUakRMDZ5WEon1bk="

    /// Makes a log of 3000 events in small segments.
    init() throws {
        suite = try Suite()
        var log = try EventLog(
            in: FileStorage(folder: suite.home + "/log"), segmentBytes: 64 << 10,
            durability: .none, now: { Timestamp(microseconds: 1_767_225_600_000_000) })
        for first in stride(from: 0, to: 3000, by: 4) {
            var records: [UInt8] = []
            for number in first..<first + 4 {
                try NewEvent(
                    stream: try StreamName("s-\(number % 17)"), type: "T",
                    data: Array(#"{"number":\#(number)}"#.utf8)
                ).encode(into: &records)
            }
            _ = try log.stage(records.span)
            _ = try log.commit()
        }
        try log.close()
        for (path, text) in [(key, Self.privatePEM), (publicKey, Self.publicPEM)] {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: path)
        }
    }

    private func run(_ arguments: String...) throws -> IntegrationHarness.Suite.Run {
        try suite.run(["event-store"] + arguments)
    }

    /// Runs a command that must fail, and returns its one line of error.
    private func failure(_ arguments: String...) throws -> String {
        let run = try suite.run(["event-store"] + arguments)
        #expect(run.status == 65, "\(run)")
        #expect(run.errors.split(separator: "\n").count == 1, "\(run)")
        return run.errors
    }

    /// Runs a command while the store runs, and returns its output.
    private func whileServed(_ arguments: String...) async throws -> String {
        try suite.start("event-store")
        let store = try await suite.eventStore()
        _ = try await store.welcome()
        await store.close()
        let run = try suite.run(["event-store"] + arguments)
        #expect(run.status == 0, "\(run)")
        #expect(suite.terminate("event-store") == 0)
        return run.output
    }

    private func write(_ text: String, as name: String) throws -> String {
        let path = "\(suite.home)/\(name)"
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    /// Changes the data of the event and corrects its checksums. Removes the segment's index, which
    /// the store rebuilds.
    private func alter(_ position: UInt64) throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: log)
        let name = try #require(
            names.filter { $0.hasSuffix(".segment") }.sorted().last { name in
                UInt64(name.prefix(16), radix: 16).map { $0 <= position } ?? false
            })
        let url = URL(filePath: "\(log)/\(name)")
        var bytes = Array(try Data(contentsOf: url))
        var at = 64
        while bytes.span.uint64(at: at + RecordLayout.position) != position {
            at += Int(bytes.span.uint32(at: at))
        }
        let length = Int(bytes.span.uint32(at: at))
        /// The mask that the head's checksum is stored with. It depends only on the offset.
        let mask =
            bytes.span.uint32(at: at + RecordLayout.headChecksum)
            ^ CRC32C.checksum(bytes.span.extracting(at..<at + RecordLayout.headChecksum))
        let place = try #require(bytes[at..<at + length].lastIndex(of: UInt8(ascii: "}")))
        bytes[place - 1] ^= 1
        put(
            CRC32C.checksum(bytes.span.extracting(at + RecordLayout.headSize..<at + length)),
            at + RecordLayout.bodyChecksum, into: &bytes)
        put(
            CRC32C.checksum(bytes.span.extracting(at..<at + RecordLayout.headChecksum)) ^ mask,
            at + RecordLayout.headChecksum, into: &bytes)
        try Data(bytes).write(to: url)
        try? FileManager.default.removeItem(atPath: "\(log)/\(name.prefix(16)).index")
    }

    private func put(_ sum: UInt32, _ offset: Int, into bytes: inout [UInt8]) {
        for index in 0..<4 { bytes[offset + index] = UInt8(truncatingIfNeeded: sum >> (8 * index)) }
    }

    @Test func `Verification names the altered event or the range it lies in`() async throws {
        let shown = try await whileServed("head", "--json")
        let head = try JSON.decode(LogHead.self, from: shown.utf8)
        #expect(head.position == 3000 && head.hash.count == 64)
        let point = "3000:\(head.hash)"
        let whole = try run("verify", "--chain", "--trusted", point)
        #expect(whole.status == 0, "\(whole)")
        #expect(whole.output.contains("\nchain \(point): "), "\(whole)")
        #expect(whole.output.contains("trusted heads passed: 1\n"), "\(whole)")

        try alter(1501)
        #expect(try run("verify").status == 0)
        #expect(
            try failure("verify", "--chain")
                == "event-store: position 1501 was altered: it is the first event that does "
                + "not match the chain\n")
        // After the chain files were rebuilt, only the trusted head shows the change.
        for name in try FileManager.default.contentsOfDirectory(atPath: log)
        where name.hasSuffix(".chain") {
            try FileManager.default.removeItem(atPath: "\(log)/\(name)")
        }
        let forged = try await whileServed("head", "--json")
        #expect(forged != shown)
        #expect(try run("verify", "--chain").status == 0)
        #expect(
            try failure("verify", "--chain", "--trusted", point).contains("positions 1-3000"))
    }

    @Test func `Verification checks the bus's journal and names damaged segments`() async throws {
        _ = try await whileServed("queues", "create", "q")
        let whole = try run("verify")
        #expect(whole.status == 0, "\(whole)")
        #expect(whole.output.hasSuffix("\nthe bus's journal is whole; segments: 1\n"), "\(whole)")
        let url = URL(filePath: "\(suite.home)/journal/1/0000000000000001.segment")
        var bytes = try Data(contentsOf: url)
        let place = try #require(bytes.range(of: Data(#""name":"q""#.utf8)))
        bytes[place.lowerBound] ^= 1
        try bytes.write(to: url)
        let damaged = try run("verify")
        #expect(damaged.status == 65, "\(damaged)")
        #expect(damaged.errors == "event-store: 1 fault in 1 segments of the bus's journal\n")
        #expect(
            damaged.output.hasPrefix(
                "\(suite.home)/journal/1: 0000000000000001.segment is damaged at byte "),
            "\(damaged)")
    }

    @Test func `Verification rejects a copy without segments, whatever else it has`() throws {
        let files = FileManager.default
        let copy = suite.home + "/copy"
        try files.createDirectory(atPath: copy + "/log", withIntermediateDirectories: true)
        for name in ["", "lock", "manifest", "clean-end"] {
            if !name.isEmpty {
                try files.copyItem(atPath: "\(log)/\(name)", toPath: "\(copy)/log/\(name)")
            }
            let run = try run("verify", "--home", copy)
            #expect(run.status == 65, "\(name): \(run)")
            #expect(
                run.errors
                    == "event-store: the log in \(copy) has no segment: its files are lost, or "
                    + "were not copied\n", "\(name): \(run)")
        }
    }

    @Test func `Verification needs no permission to write`() throws {
        let files = FileManager.default
        let copy = suite.home + "/copy"
        try files.createDirectory(atPath: copy, withIntermediateDirectories: true)
        try files.copyItem(atPath: log, toPath: copy + "/log")
        try files.removeItem(atPath: copy + "/log/lock")
        let names = try files.contentsOfDirectory(atPath: copy + "/log")
        for name in names {
            try files.setAttributes(
                [.posixPermissions: 0o444], ofItemAtPath: "\(copy)/log/\(name)")
        }
        try files.setAttributes([.posixPermissions: 0o555], ofItemAtPath: copy + "/log")
        let run = try run("verify", "--home", copy, "--chain")
        #expect(run.status == 0 && run.output.contains(": 3000 events in "), "\(run)")
        // The test may run as root, which may write everywhere.
        #expect(Set(try files.contentsOfDirectory(atPath: copy + "/log")) == Set(names))
        try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: copy + "/log")
    }

    @Test func `Verification accepts a signed head and rejects forged heads`() async throws {
        let signed = try await whileServed("head", "--signed", "--key", key)
        #expect(signed.contains(#""key":"\#(Self.publicBase64)""#), "\(signed)")
        let file = try write(signed, as: "head.json")
        for given in [publicKey, Self.publicBase64] {
            let run = try run("verify", "--chain", "--head", file, "--key", given)
            #expect(run.status == 0, "\(run)")
            #expect(run.output.contains("trusted heads passed: 1\n"), "\(run)")
        }
        let unknown = try run("verify", "--chain", "--head", file)
        #expect(unknown.status == 0 && unknown.output.contains(Self.publicBase64), "\(unknown)")

        let other = Data(repeating: 7, count: 32).base64EncodedString()
        let otherKey = try failure("verify", "--chain", "--head", file, "--key", other)
        #expect(otherKey.contains("not by the trusted key"), "\(otherKey)")
        let changes = [
            (#""position":3000"#, #""position":2999"#), (#""hash":""#, #""hash":"0"#),
            (#""time":"2026"#, #""time":"2025"#), (#""signature":""#, #""signature":"AA"#),
            (Self.publicBase64, other),
        ]
        for (old, new) in changes {
            let forged = try write(signed.replacing(old, with: new), as: "forged.json")
            let line = try failure("verify", "--chain", "--head", forged)
            #expect(line.contains("the signature") || line.contains("signed head"), "\(line)")
        }
        let later = try write(
            signed.replacing(#""format":1"#, with: #""format":2"#), as: "later.json")
        #expect(
            try failure("verify", "--chain", "--head", later).contains("has format version 2"))

        // An altered last event does not match the signed head.
        try alter(3000)
        #expect(
            try failure("verify", "--chain", "--head", file, "--key", publicKey)
                .contains("one of positions 1-3000 was altered"))
    }

    @Test func `Signing requires an Ed25519 private key that only its owner can read`() async throws
    {
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: key)
        let open = try failure("head", "--signed", "--key", key)
        #expect(open.hasSuffix("run: chmod 600 \(key)\n"), "\(open)")
        #expect(try failure("head", "--signed", "--key", "/nonexistent").contains("can't read"))
        #expect(
            try failure("head", "--signed", "--key", publicKey).contains(
                "is not an Ed25519 private key"))
        for arguments in [
            ["head", "--signed"], ["head", "--key", key], ["verify", "--forward", "--chain"],
            ["verify", "--trusted", "1:\(String(repeating: "0", count: 64))"],
            ["verify", "--chain", "--trusted", "1:2"], ["verify", "--chain", "--key", key],
        ] {
            let run = try suite.run(["event-store"] + arguments)
            #expect(run.status == 64 && run.output.isEmpty, "\(arguments): \(run)")
        }
    }
}
