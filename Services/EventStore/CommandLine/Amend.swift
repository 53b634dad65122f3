import ArgumentParser
import CloudEvents
import CommandLine
import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import WireProtocol

struct Amend: RepeatableCommand {
    static let abstract = "Make every reader get a bad event with other data, or skip it."
    static let discussion = """
        The log keeps the event, and an event in stream $amendment-<id> records who amended it \
        and why. From then on, every read returns the event with the new data, or marked as \
        skipped: aggregates, read models, participants, answers about the past and the audit read \
        it in this way. 'verify', 'export' and the hash chain show what was appended. --undo \
        restores the reading of what was appended. Only administrators may amend.

        This is the way out for an event that a service can't read, or that is about another \
        entity than its stream. An event that its service reads is reversed instead, with the \
        service's 'reverse'. The command knows the contracts of this suite only: events of other \
        producers can always be amended. docs/amend.md has an example.
        """

    @OptionGroup var call: CallOptions
    @OptionGroup var commandID: CommandIDOption
    @Option(
        help: """
            A file with the new data, as JSON; '-' for standard input. Without it, readers skip \
            the event.
            """)
    var data: String?
    @Option(help: "The reason, for the audit trail.") var reason: String
    @Flag(help: "End the amendment: the event is read as it was appended.") var undo = false
    @OptionGroup var contract: ContractOptions
    @Argument(
        help: "The id of the event, or its position in the log.",
        transform: EventReference.argument)
    var event: EventReference

    func validate() throws {
        try require(!reason.isEmpty, "--reason must not be empty")
        try require(!undo || data == nil, "give --undo or --data, but not both")
        try require(!contract.unchecked || data != nil, "--unchecked needs --data")
    }

    func run() async throws {
        let original = try await call.withStore { client in
            try await client.original(of: try await client.event(event))
        }
        let what = "\(original.type) at position \(original.position)"
        guard !undo else {
            let command = UndoAmendment(event: original.id, reason: reason)
            return try await send(
                StoreCall.undoAmendment, command, to: "event-store",
                "undid the amendment of \(what)")
        }
        if let remedy = Contract.remedy(for: original) {
            throw DaybookError(
                .rejected, "\(what) can't be amended, because its service can read it; \(remedy)")
        }
        let data = try data.map { try newData(in: $0, of: original) }
        try await send(
            StoreCall.amend, AmendEvent(event: original.id, data: data, reason: reason),
            to: "event-store", data == nil ? "skipped \(what)" : "amended \(what)")
    }

    /// Returns the new data in a file, on one line, after checking it.
    private func newData(in file: String, of event: RecordedEvent) throws -> String {
        let data = try InputFile.data(file)
        try require(
            (try? JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)) != nil,
            .invalid, "\(file) is not JSON")
        let bytes = Self.withoutSpace(data)
        try require(
            contract.unchecked || CloudEvents.isJSON(event.contentType), .invalid,
            "the data of event \(event.id) is \(event.contentType), but the new data is JSON; "
                + "skip the event without --data, or give --unchecked")
        try contract.check(type: event.type, data: bytes, in: event.stream)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Returns valid JSON without the white space between its tokens. Numbers and strings keep
    /// their bytes.
    private static func withoutSpace(_ json: Data) -> [UInt8] {
        var (isInString, isEscaped) = (false, false)
        return json.filter { byte in
            guard isInString else {
                isInString = byte == UInt8(ascii: "\"")
                return !" \t\r\n".utf8.contains(byte)
            }
            if isEscaped {
                isEscaped = false
            } else {
                isEscaped = byte == UInt8(ascii: "\\")
                isInString = byte != UInt8(ascii: "\"")
            }
            return true
        }
    }
}
