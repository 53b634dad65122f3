import ArgumentParser
import CommandLine
import EventBus
import EventLog
import EventSourcing
import Foundation
import WireProtocol

struct Verify: ProgramCommand {
    static let abstract = "Check every record of a log that no process serves."
    static let discussion = """
        Checks the bus's journal in the same way, if there is one. Changes nothing, so the folder \
        may be a copy on a medium that can only be read.

        --chain also finds events that somebody altered together with their checksums. It \
        computes the chain of hashes from the events, and compares it with the files in which \
        the store keeps it and with the heads that you have kept.
        """

    @Option(help: "The folder of the suite's state (DAYBOOK_HOME).")
    var home = Endpoints.home
    @Flag(help: "Check the chain of hashes, too.") var chain = false
    @Option(
        help: "A head that you have kept, as <position>:<hash>; may be repeated.",
        transform: {
            try ChainPoint($0).orInvalid(
                "'\($0)' is not <position>:<hash>, with 64 hexadecimal digits")
        })
    var trusted: [ChainPoint] = []
    @Option(
        help: "A file with a head that 'head --signed' printed; may be repeated.",
        completion: .file())
    var head: [String] = []
    @Option(help: "The public key that signed the heads: a file, or base64.", completion: .file())
    var key: String?
    @Flag(help: "Start after the first of the heads, not at the beginning of the log.")
    var forward = false

    func validate() throws {
        try require(
            chain || trusted.isEmpty && head.isEmpty && key == nil && !forward,
            "--trusted, --head, --key and --forward need --chain")
        try require(key == nil || !head.isEmpty, "--key needs --head")
        try require(
            !forward || !trusted.isEmpty || !head.isEmpty, "--forward needs --trusted or --head")
    }

    func run() throws {
        let signed = try head.map(SignedHead.init(file:))
        let key = try key.map { try SigningKeys.publicKey($0) }
        let heads = trusted + (try signed.map { try $0.point(trusting: key) })
        let folder = home + "/log"
        try require(
            FileManager.default.fileExists(atPath: folder), .invalid, "there is no log in \(home)")
        let journal = try verifiedJournal()
        try verify(FileStorage(reading: folder), heads, of: signed)
        if let journal {
            try requireWhole(journal, "the bus's journal")
            try Output.print("the bus's journal is whole; segments: \(journal.segments)")
        }
        for head in signed where key == nil {
            try Output.print(
                "the head at \(head.position) is signed by \(head.key); check that it is yours")
        }
    }

    private func verify(
        _ storage: FileStorage, _ heads: [ChainPoint], of signed: [SignedHead]
    ) throws {
        let found = try showing("verify") { try LogVerification(of: storage, progress: $0) }
        try Output.print(lines: found.faults.map { "\($0)" })
        for head in signed where head.log != found.log {
            throw DaybookError(.invalid, "the signed head is of log \(head.log), not of this log")
        }
        let chain =
            try chain
            ? showing("chain") {
                try ChainVerification(
                    of: storage, found, heads: heads, isForward: forward, progress: $0)
            } : nil
        if let fault = chain?.fault { throw DaybookError(.invalid, fault.description) }
        let checked = chain.map { ", the chain is right up to position \($0.head.position)" }
        try requireWhole(found, "the log", checked ?? "")
        let torn = found.isTorn ? "; an incomplete append at the end will be removed" : ""
        try Output.print(
            "log \(found.log.map(String.init) ?? "empty"): \(found.head) events in "
                + "\(found.segments) segments, all of them whole\(torn)")
        guard let chain else { return }
        try Output.print(
            "chain \(chain.head): \(chain.linked) events compared with the chain's files, "
                + "trusted heads passed: \(chain.passed.count)")
    }

    /// Verifies the journal and prints each fault. Returns nil if there is no journal.
    private func verifiedJournal() throws -> LogVerification? {
        guard let path = try JournalGeneration.currentPath(in: home + "/journal") else {
            return nil
        }
        let found = try showing("verify the journal") {
            try LogVerification(of: FileStorage(reading: path), progress: $0)
        }
        try Output.print(lines: found.faults.map { "\(path): \($0)" })
        return found
    }

    /// Shows a progress bar while `verify` runs.
    private func showing<Found>(
        _ title: String, _ verify: (_ progress: (Int, Int) -> Void) throws -> Found
    ) throws -> Found {
        var bar = ProgressBar(title, total: 0)
        defer { bar.end() }
        return try verify { bar.show($0, of: $1, "segments") }
    }

    /// Throws `invalid` with the number of faults, if there are any, or if there is no segment. A
    /// log has a segment from its creation on, so a folder without one is a copy that failed.
    private func requireWhole(
        _ found: LogVerification, _ name: String, _ more: String = ""
    ) throws {
        try require(
            found.segments > 0, .invalid,
            "\(name) in \(home) has no segment: its files are lost, or were not copied")
        let faults = found.faults.count == 1 ? "1 fault" : "\(found.faults.count) faults"
        try require(
            found.faults.isEmpty, .invalid,
            "\(faults) in \(found.segments) segments of \(name)\(more)")
    }
}
