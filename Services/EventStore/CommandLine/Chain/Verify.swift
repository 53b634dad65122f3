import ArgumentParser
import CommandLine
import EventBus
import EventLog
import EventSourcing
import Foundation
import WireProtocol

struct Verify: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check every record of a log that no process serves.",
        discussion: """
            Checks the bus's journal in the same way, if there is one.

            --chain also finds events that somebody altered together with their checksums. It \
            computes the chain of hashes from the events, and compares it with the files in which \
            the store keeps it and with the heads that you have kept.
            """)

    @Option(help: "The folder of the suite's state (DAYBOOK_HOME).")
    var home = Endpoints.home
    @Flag(help: "Check the chain of hashes, too.") var chain = false
    @Option(
        help: "A head that you have kept, as <position>:<hash>; may be repeated.",
        transform: Verify.point)
    var trusted: [ChainPoint] = []
    @Option(
        help: "A file with a head that 'head --signed' printed; may be repeated.",
        completion: .file())
    var head: [String] = []
    @Option(help: "The public key that signed the heads: a file, or base64.", completion: .file())
    var key: String?
    @Flag(help: "Start after the first of the heads, not at the beginning of the log.")
    var forward = false

    private static func point(_ text: String) throws -> ChainPoint {
        guard let point = ChainPoint(text) else {
            throw ValidationError("'\(text)' is not <position>:<hash>, with 64 hexadecimal digits")
        }
        return point
    }

    func validate() throws {
        guard chain || trusted.isEmpty && head.isEmpty && key == nil && !forward else {
            throw ValidationError("--trusted, --head, --key and --forward need --chain")
        }
        guard key == nil || !head.isEmpty else { throw ValidationError("--key needs --head") }
        guard !forward || !trusted.isEmpty || !head.isEmpty else {
            throw ValidationError("--forward needs --trusted or --head")
        }
    }

    func run() throws {
        let signed = try head.map(SignedHead.init(file:))
        let key = try key.map { try SigningKeys.publicKey($0) }
        let heads = trusted + (try signed.map { try $0.point(trusting: key) })
        let folder = home + "/log"
        guard FileManager.default.fileExists(atPath: folder) else {
            throw DaybookError(.invalid, "there is no log in \(home)")
        }
        let journal = try verifiedJournal()
        try verify(FileStorage(folder: folder), heads, of: signed)
        if let journal {
            try requireWhole(journal, "the bus's journal")
            print("the bus's journal is whole; segments: \(journal.segments)")
        }
        for head in signed where key == nil {
            print("the head at \(head.position) is signed by \(head.key); check that it is yours")
        }
    }

    private func verify(
        _ storage: FileStorage, _ heads: [ChainPoint], of signed: [SignedHead]
    ) throws {
        let found = try verification(of: storage, "verify")
        for fault in found.faults { print(fault) }
        for head in signed where head.log != found.log {
            throw DaybookError(.invalid, "the signed head is of log \(head.log), not of this log")
        }
        let chain = chain ? try self.chain(of: storage, found, heads) : nil
        if let fault = chain?.fault { throw DaybookError(.invalid, fault.description) }
        let checked = chain.map { ", the chain is right up to position \($0.head.position)" }
        try requireWhole(found, "the log", checked ?? "")
        let torn = found.isTorn ? "; an incomplete append at the end will be removed" : ""
        print(
            "log \(found.log.map(String.init) ?? "empty"): \(found.head) events in "
                + "\(found.segments) segments, all of them whole\(torn)")
        guard let chain else { return }
        print(
            "chain \(chain.head): \(chain.linked) events compared with the chain's files, "
                + "trusted heads passed: \(chain.passed.count)")
    }

    /// Verifies the journal and prints each fault. Returns nil if there is no journal.
    private func verifiedJournal() throws -> LogVerification? {
        guard let path = try JournalGeneration.currentPath(in: home + "/journal") else {
            return nil
        }
        let found = try verification(of: FileStorage(folder: path), "verify the journal")
        for fault in found.faults { print("\(path): \(fault)") }
        return found
    }

    private func verification(
        of storage: FileStorage, _ name: String
    ) throws -> LogVerification {
        var bar = ProgressBar(name, total: 0)
        defer { bar.end() }
        return try LogVerification(of: storage) { bar.show($0, of: $1, "segments") }
    }

    /// Throws `invalid` with the number of faults, if there are any.
    private func requireWhole(
        _ found: LogVerification, _ name: String, _ more: String = ""
    ) throws {
        guard !found.faults.isEmpty else { return }
        let faults = found.faults.count == 1 ? "1 fault" : "\(found.faults.count) faults"
        throw DaybookError(.invalid, "\(faults) in \(found.segments) segments of \(name)\(more)")
    }

    private func chain(
        of storage: FileStorage, _ found: LogVerification, _ heads: [ChainPoint]
    ) throws -> ChainVerification {
        var bar = ProgressBar("chain", total: 0)
        defer { bar.end() }
        return try ChainVerification(of: storage, found, heads: heads, isForward: forward) {
            bar.show($0, of: $1, "segments")
        }
    }
}
