import Contracts
import EventSourcing
import Foundation
import JSON
import ServiceRuntime
import TestSupport
import WireProtocol

/// A call that a process answers, with an example of its argument.
struct CallExample: Sendable {
    let name: String
    let argument: Data
    let isCommand: Bool
    private let inventOne: @Sendable (Inventor) -> Data?

    init<Argument: Codable & Sendable>(
        _ name: String, _ argument: Argument, isCommand: Bool = false
    ) {
        self.name = name
        self.isCommand = isCommand
        self.argument = Self.written(argument) ?? Data()
        inventOne = { inventor in
            (try? inventor.value(Argument.self)).flatMap(Self.written)
        }
    }

    private static func written(_ value: some Encodable) -> Data? {
        try? JSON.data(value)
    }

    /// Returns the paths of all fields that an argument can have.
    func fields() -> Set<JSONTree.Path> {
        let inventor = Inventor(seed: 5)
        return (0..<300).compactMap { _ in inventOne(inventor) }
            .compactMap { try? JSONTree($0) }.reduce(into: []) { $0.formUnion($1.paths) }
    }

    static func command<Command: Codable & Sendable>(_ name: String, _ command: Command)
        -> CallExample
    {
        CallExample(
            name,
            CommandRequest(
                id: EventID(high: 1, low: 1), attempt: 1, actor: "tester",
                correlationID: EventID(high: 1, low: 2),
                traceparent: TraceParent(
                    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
                deadline: Timestamp(microseconds: 4_000_000_000_000_000), command: command),
            isCommand: true)
    }

    static func query<Query: Codable & Sendable>(
        _ name: String, _ query: Query, asOf: Moment? = .position(1)
    ) -> CallExample {
        CallExample(
            name,
            QueryRequest(
                atLeast: 1, asOf: asOf, without: .id(EventID(high: 1, low: 1)),
                id: EventID(high: 1, low: 2), timeout: 60, marks: true, query: query))
    }

    static func difference(of entity: String) -> CallExample {
        .query(
            DifferenceRequest.name,
            DifferenceRequest(id: entity, from: .position(0), to: .position(1)))
    }
}

/// Every call of every process, with an argument that has all fields.
enum Calls {
    private static let noon = Timestamp(microseconds: 1_769_860_800_000_000)

    static let ofServices: [String: [CallExample]] = [
        "orders": [
            .command(
                PlaceOrder.name,
                PlaceOrder(
                    order: "new", customer: "c",
                    items: [OrderItem(sku: "cd", quantity: 1, unitPrice: Money(1, .usd))],
                    origin: "MEM", destination: "LHR", placedAt: noon,
                    deadline: Timestamp(microseconds: 4_000_000_000_000_000))),
            .command(CancelOrder.name, CancelOrder(order: "none")),
            .query("order", "none"), .query("customer", "c"), .query("count", ["none"]),
            .query("summary", Nothing()), .difference(of: "none"),
        ],
        "route": [.query("route", "none"), .difference(of: "none")],
        "balance": [
            .command(
                OpenAccount.name, OpenAccount(account: "new", currency: .usd, openedAt: noon)),
            .query("account", "c"), .query("accounts", Nothing()), .query("statement", "c"),
            .difference(of: "c"),
        ],
        "creditLimit": [
            .command(
                SetCreditLimit.name, SetCreditLimit(customer: "c", limit: Money(100, .usd))),
            .query("limit", "c"), .query("limits", Nothing()), .difference(of: "c"),
        ],
        "withdraw": [
            .command(
                WithdrawMoney.name,
                WithdrawMoney(account: "c", amount: Money(1, .usd), reference: "r")),
            .query("withdrawals", "c"),
        ],
        "credit": [
            .command(
                CreditMoney.name,
                CreditMoney(account: "c", amount: Money(1, .usd), reference: "r")),
            .query("credits", "c"),
        ],
    ]

    /// The calls that every service answers.
    static let ofEachService: [CallExample] = [
        .command(ReverseEvent.name, ReverseEvent(event: EventID(high: 1, low: 1), reason: "r")),
        .query("status", Nothing()), .query("rebuild", EventID(high: 1, low: 1)),
        .query(ComparisonRequest.name, ComparisonRequest()),
    ]

    static let selection = DeadLetterSelection(ids: [1], queue: "q", rule: "r", group: "g")

    static let ofBus: [CallExample] = [
        .command(
            BusCall.putRule,
            RuleDefinition(name: "r", description: "d", pattern: "{}", targets: ["q"])),
        .command(BusCall.setRuleEnabled, SetRuleEnabled(name: "r", isEnabled: true)),
        .command(BusCall.deleteRule, "none"),
        .command(BusCall.putQueue, QueueDefinition(name: "q2")),
        .command(BusCall.setQueuePaused, SetPaused(name: "q", isPaused: false)),
        .command(BusCall.purgeQueue, "none"), .command(BusCall.deleteQueue, "none"),
        .command(BusCall.redrive, CloseDeadLetters(selection, reason: "r")),
        .command(BusCall.discard, CloseDeadLetters(selection, reason: "r")),
        .command(
            BusCall.createArchive,
            ArchiveDefinition(
                name: "a", pattern: "{}", retentionDays: 1, place: "none", endpoint: "none")),
        .command(BusCall.deleteArchive, "none"),
        .command(
            BusCall.startReplay,
            ReplayDefinition(
                name: "x", archive: "none", since: noon, until: noon + .seconds(1), pattern: "{}",
                rules: ["r"], queue: "q", rate: 1, speed: 1)),
        .command(BusCall.setReplayPaused, SetPaused(name: "x", isPaused: true)),
        .command(BusCall.cancelReplay, "none"),
        .query(BusCall.archives, Nothing()), .query(BusCall.replays, Nothing()),
        .query(
            BusCall.planReplay,
            ReplayDefinition(
                name: "x", archive: "none", since: noon, until: noon + .seconds(1), pattern: "{}",
                rules: ["r"], queue: "q", rate: 1, speed: 1)),
        .query(BusCall.rules, Nothing()), .query(BusCall.queues, Nothing()),
        .query(BusCall.deadLetters, DeadLettersRequest(selection, after: 0, limit: 1)),
        CallExample(
            BusCall.receive,
            ReceiveRequest(
                queue: "q", consumer: "c", token: EventID(high: 1, low: 1), maximum: 1,
                visibilityTimeout: 1, wait: 0)),
        CallExample(BusCall.release, ReleaseRequest(queue: "q", consumer: "c")),
    ]

    static let ofStore: [CallExample] = [
        CallExample(StoreCall.streams, StreamsRequest(category: "a", after: 0, limit: 1)),
        CallExample(StoreCall.event, EventID(high: 1, low: 1)),
        CallExample(StoreCall.chain, Nothing()), CallExample(StoreCall.statistics, Nothing()),
        .command(
            StoreCall.amend,
            AmendEvent(event: EventID(high: 1, low: 1), data: "{}", reason: "wrong")),
        .command(
            StoreCall.undoAmendment,
            UndoAmendment(event: EventID(high: 1, low: 1), reason: "right")),
        CallExample(StoreCall.amendedPositions, Nothing()),
    ]
}
