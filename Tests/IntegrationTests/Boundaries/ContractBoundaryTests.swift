import Contracts
import EventSourcing
import Foundation
import JSON
import TestSupport
import Testing
import WireProtocol

/// A type that is written as JSON, in an event or a message.
private struct Contract: Sendable, CustomStringConvertible {
    let description: String
    let check: @Sendable (Inventor) throws -> Void

    init<Value: Codable & Equatable & SendableMetatype>(_ type: Value.Type) {
        description = "\(type)"
        check = { try expectRoundTrip(Value.self, $0) { $0 == $1 } }
    }

    /// Makes a contract of a type that is not Equatable: it compares the JSON of the values.
    init<Value: Codable & SendableMetatype>(written type: Value.Type) {
        description = "\(type)".split(separator: "<").first.map(String.init) ?? "\(type)"
        check = { inventor in
            try expectRoundTrip(Value.self, inventor) { (try? write($0)) == (try? write($1)) }
        }
    }

    init(event type: any EventPayload.Type) { self = Self.of(type) }

    private static func of<Payload: EventPayload>(_ type: Payload.Type) -> Contract {
        Contract(type)
    }

    static let all = events + commands + views + busCalls + busEvents + messages

    static let events: [Contract] =
        [
            OrderEvent.payloads, RouteEvent.payloads, AccountEvent.payloads,
            CreditLimitEvent.payloads,
        ].joined().map { Contract(event: $0) }
        + [Contract(RouteLeg.self), Contract(OrderItem.self), Contract(Reverses.self)]
    static let commands = [
        Contract(OpenAccount.self), Contract(CreditMoney.self), Contract(WithdrawMoney.self),
        Contract(SetCreditLimit.self), Contract(PlaceOrder.self), Contract(CancelOrder.self),
    ]
    static let views = [
        Contract(AccountView.self), Contract(StatementEntry.self), Contract(WithdrawalView.self),
        Contract(CreditView.self), Contract(CreditLimitView.self), Contract(OrderView.self),
        Contract(CustomerOrdersView.self), Contract(RouteView.self),
    ]
    static let busCalls = [
        Contract(SetRuleEnabled.self), Contract(SetPaused.self),
        Contract(DeadLetterSelection.self),
        Contract(CloseDeadLetters.self), Contract(DeadLettersRequest.self),
        Contract(DeadLetterView.self), Contract(RuleView.self), Contract(QueueView.self),
        Contract(ReceiveRequest.self), Contract(ReleaseRequest.self), Contract(ArchiveView.self),
        Contract(ReplayView.self), Contract(ReplayPlan.self),
    ]
    static let busEvents = [
        Contract(RuleDefinition.self), Contract(QueueDefinition.self), Contract(RetryPolicy.self),
        Contract(ArchiveDefinition.self), Contract(ReplayDefinition.self),
        Contract(DeadLetter.self), Contract(DeadLetterClosure.self), Contract(ReplayEnd.self),
    ]
    static let messages = [
        Contract(Hello.self), Contract(Welcome.self), Contract(LogHead.self),
        Contract(StreamsRequest.self), Contract(StreamEntry.self), Contract(StoreStatistics.self),
        Contract(Permissions.self), Contract(CommandReply.self), Contract(Nothing.self),
        Contract(ServiceStatus.self), Contract(ProjectionStatus.self),
        Contract(RebuildStatus.self), Contract(Degradation.self),
        Contract(ParticipantStatus.self), Contract(AnswerMarks.self),
        Contract(AmendEvent.self), Contract(UndoAmendment.self), Contract(AmendmentUndone.self),
        Contract(written: CommandRequest<String>.self),
        Contract(written: QueryRequest<String>.self),
    ]
}

private func write(_ value: some Encodable) throws -> Data { try JSON.data(value) }

/// Generates values of the type. Each must be unchanged after it was written and read, or encoding
/// it must throw.
private func expectRoundTrip<Value: Codable>(
    _ type: Value.Type, _ inventor: Inventor, isSame: (Value, Value) -> Bool
) throws {
    var (written, made) = (0, 0)
    for _ in 0..<300 {
        guard let value = try? inventor.value(type) else { continue }
        made += 1
        guard let bytes = try? write(value) else { continue }
        written += 1
        let text = String(decoding: bytes, as: UTF8.self)
        do {
            let read = try JSON.decode(type, from: bytes)
            #expect(isSame(read, value), "\(text) is read as \(read)")
        } catch {
            Issue.record("\(text) is written, but can't be read: \(error)")
        }
    }
    #expect(made > 20, "too few values of \(type) were generated")
    #expect(written > 0, "no value of \(type) was written")
}

@Suite(.mayBlock) struct `JSON contracts` {
    @Test(arguments: Contract.all)
    fileprivate func `Contracts with extreme values are read as they were written`(
        contract: Contract
    ) throws {
        try contract.check(Inventor(seed: 1))
        try contract.check(Inventor(seed: 2))
    }

    /// Fails if a new type has no test.
    @Test func `Every type of the contracts and messages is tested`() throws {
        let declaration = #/(?m)^public struct (\w+)(?:<[^>]*>)?: ([^{]*)\{/#
        let coded = ["Codable", "Payload"]
        let root = URL(filePath: #filePath).appending(path: "../../../..").standardizedFileURL
        var declared: Set<String> = []
        for folder in [
            "Shared/Contracts", "Shared/WireProtocol",
        ] {
            let files = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
            for case let file as String in try #require(files) where file.hasSuffix(".swift") {
                let text = try String(
                    contentsOf: root.appending(path: "\(folder)/\(file)"), encoding: .utf8)
                for match in text.matches(of: declaration)
                where coded.contains(where: match.output.2.contains) {
                    declared.insert(String(match.output.1))
                }
            }
        }
        // The inventor makes these values itself, as parts of the other types.
        let values: Set = ["Money", "Currency"]
        #expect(declared.count > 50)
        #expect(declared.subtracting(values).subtracting(Contract.all.map(\.description)).isEmpty)
    }
}
