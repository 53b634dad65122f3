import AccountDomain
import Contracts
import EventSourcing
import EventStoreClient
import Observability
import OrdersDomain
import Synchronization
import TestSupport
import Testing
import WireProtocol

@testable import ServiceRuntime

private let usd = try! Currency("USD")  // The currency table has this code.
private func money(_ amount: Int64) -> Money { Money(amount, usd) }

/// Several processes that decide on the same streams, each with its own cached states.
@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Repositories that share a stream` {
    private let store: Store

    init() async throws { store = try await Store() }

    private func repositories(_ count: Int) -> [Repository<Account>] {
        (0..<count).map { _ in Repository(Account.self, client: store.client, on: store.loop) }
    }

    private func open(_ account: String, _ repository: Repository<Account>) async throws {
        _ = try await repository.execute(
            .open(OpenAccount(account: account, currency: usd, openedAt: .now())), .new())
    }

    @Test(arguments: [2, 3])
    func `Repositories decide like one that always reads, in every order of commands`(
        count: Int
    ) async throws {
        let repositories = repositories(count)
        // A step is a repository, and whether it credits or withdraws. The first repository always
        // takes the first step, because the repositories are interchangeable.
        let choices = count * 2
        let steps = 4
        let orders = (1..<steps).reduce(2) { product, _ in product * choices }
        for order in 0..<orders {
            let account = "a\(order)"
            try await open(account, repositories[count - 1])
            var digits = order % 2 + order / 2 * choices
            for _ in 0..<steps {
                let (repository, isCredit) = (digits % choices / 2, digits.isMultiple(of: 2))
                digits /= choices
                let command: Account.Command =
                    isCredit
                    ? .credit(CreditMoney(account: account, amount: money(1000)))
                    : .withdraw(WithdrawMoney(account: account, amount: money(1000)))
                try await check(command, by: repositories[repository], "order \(order)")
            }
        }
    }

    @Test(arguments: 0..<6)
    func `Repositories decide random commands like one that always reads the stream`(
        seed: UInt64
    ) async throws {
        var random = SplitMix(state: seed)
        let repositories = repositories(3)
        for account in ["a", "b"] { try await open(account, repositories[0]) }
        for _ in 0..<150 {
            guard let repository = repositories.randomElement(using: &random) else { return }
            let command = randomCommand(&random)
            try await check(command, by: repository, "seed \(seed)")
        }
    }

    private func randomCommand(_ random: inout SplitMix) -> Account.Command {
        let account = Bool.random(using: &random) ? "a" : "b"
        let order = Bool.random(using: &random) ? "o" : "p"
        let amount = money(Int64.random(in: 1...500, using: &random))
        return switch Int.random(in: 0..<7, using: &random) {
        case 0: .open(OpenAccount(account: account, currency: usd, openedAt: .now()))
        case 1: .credit(CreditMoney(account: account, amount: amount))
        case 2: .withdraw(WithdrawMoney(account: account, amount: amount))
        case 3: .reserve(account: account, order: order, total: amount)
        case 4: .release(account: account, order: order)
        case 5: .capture(account: account, order: order)
        default: .refund(account: account, order: order)
        }
    }

    /// Sends the command, and compares the answer with the model's.
    private func check(
        _ command: Account.Command, by repository: Repository<Account>, _ what: String
    ) async throws {
        let expected = try await model(command)
        let answer: String
        do {
            switch try await repository.execute(command, .new()) {
            case .appended(_, let types): answer = "appended \(types)"
            case .nothing: answer = "nothing"
            case .repeated: answer = "repeated"
            }
        } catch let error as DaybookError where error.kind == .rejected {
            answer = error.description
        }
        #expect(answer == expected, "\(what): \(command)")
    }

    /// The expected answer: the decision on the whole stream.
    private func model(_ command: Account.Command) async throws -> String {
        let stream = try StreamName(category: Account.category, id: Account.id(of: command))
        var state = Account.initial
        for try await record in store.client.read(ReadRequest(.stream(stream))).events {
            for event in try Recorded<AccountEvent>.required(in: record, by: Account.self) {
                Account.evolve(&state, with: event.event)
            }
        }
        do {
            let events = try Account.decide(command, given: state)
            return events.isEmpty ? "nothing" : "appended \(events.map(\.type))"
        } catch {
            return error.description
        }
    }

    @Test func `Repository appends without reading while no other process appends`() async throws {
        let repository = repositories(1)[0]
        try await open("a", repository)
        let before = try await store.client.statistics().eventsRead
        for _ in 0..<20 {
            _ = try await repository.execute(
                .credit(CreditMoney(account: "a", amount: money(10))), .new())
        }
        #expect(try await store.client.statistics().eventsRead == before)
    }

    @Test func `Repeated command is answered as repeated even if its effect is undone`()
        async throws
    {
        let (first, second) = (repositories(2)[0], repositories(2)[1])
        try await open("a", first)
        let cause = Cause.new()
        let reserve = Account.Command.reserve(account: "a", order: "o", total: money(10))
        guard case .appended(let appended, let types) = try await first.execute(reserve, cause)
        else {
            Issue.record("the command appended nothing")
            return
        }
        _ = try await second.execute(.capture(account: "a", order: "o"), .new())
        // Nothing is left to reserve, but the command already had its effect.
        for repository in [first, second] {
            #expect(
                try await repository.execute(reserve, cause)
                    == .repeated(position: appended.last, types: types))
        }
        #expect(try await first.execute(reserve, .new()) == .nothing)
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Repository and events that can't be read` {
    private let store: Store
    private let repository: Repository<Account>

    init() async throws {
        store = try await Store()
        repository = Repository(Account.self, client: store.client, on: store.loop)
    }

    private func execute(_ command: Account.Command) async throws -> Outcome {
        try await repository.execute(command, .new())
    }

    private func open(_ accounts: String...) async throws {
        for account in accounts {
            _ = try await execute(
                .open(OpenAccount(account: account, currency: usd, openedAt: .now())))
        }
    }

    private func append(_ type: String, _ data: String, to stream: String) async throws -> EventID {
        let event = NewEvent(stream: try StreamName(stream), type: type, data: Array(data.utf8))
        _ = try await store.client.append([event])
        return event.id
    }

    private static let credit = #"""
        {"account":"b","amount":{"amount":7,"currency":"USD"},\#
        "repaid":{"amount":0,"currency":"USD"},"reference":""}
        """#

    @Test(arguments: [("MoneyBurnt", "{}"), ("MoneyCredited", "{}"), ("MoneyCredited", credit)])
    func `Commands on a stream with an unreadable event are rejected, and no others`(
        _ type: String, _ data: String
    ) async throws {
        // The states of both accounts are cached.
        try await open("a", "b")
        let id = try await append(type, data, to: "account-a")
        let credit = Account.Command.credit(CreditMoney(account: "a", amount: money(5)))
        let withdraw = Account.Command.withdraw(WithdrawMoney(account: "a", amount: money(5)))
        for command in [credit, withdraw, credit] {
            let error = await #expect(throws: UnreadableEvent.self) { try await execute(command) }
            #expect(error?.id == id && error?.kind == .unreadable)
        }
        await #expect(throws: UnreadableEvent.self) { try await repository.state(of: "a") }
        let other = try await execute(.credit(CreditMoney(account: "b", amount: money(5))))
        guard case .appended = other else {
            Issue.record("the command on another account appended nothing: \(other)")
            return
        }
    }

    @Test func `Repository forgets the cached state of a stream whose event was amended`()
        async throws
    {
        try await open("a", "b")
        let event = try #require(
            try await store.client.last(of: .stream(StreamName("account-a"))))
        await repository.forget(AmendmentNotice(position: 9, event: event))
        let before = try await store.client.statistics().eventsRead
        _ = try await execute(.credit(CreditMoney(account: "b", amount: money(5))))
        #expect(try await store.client.statistics().eventsRead == before)
        _ = try await execute(.credit(CreditMoney(account: "a", amount: money(5))))
        #expect(try await store.client.statistics().eventsRead > before)
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Order confirmation` {
    private func place(
        _ order: String, deadline: Timestamp, _ repository: Repository<Orders>
    ) async throws {
        let item = OrderItem(sku: "cd", quantity: 1, unitPrice: money(100))
        _ = try await repository.execute(
            .place(
                PlaceOrder(
                    order: order, customer: "c", items: [item], destination: "MEM",
                    placedAt: Timestamp(microseconds: 0), deadline: deadline)), .new())
    }

    private func confirm(
        _ order: String, _ repository: Repository<Orders>
    ) async throws -> [String] {
        guard
            case .appended(_, let types) = try await repository.execute(
                .confirm(order: order), .new())
        else { return [] }
        return types
    }

    @Test func `Order is rejected if the clock has passed its deadline`() async throws {
        let store = try await Store()
        let repository = Repository(Orders.self, client: store.client, on: store.loop)
        let now = Timestamp.now()
        try await place("late", deadline: now, repository)
        try await place("early", deadline: now + .seconds(3600), repository)
        #expect(try await confirm("late", repository) == ["OrderRejected"])
        #expect(try await confirm("early", repository) == ["OrderConfirmed"])
    }

    @Test func `Order is rejected if the log's time, but not the clock, has passed its deadline`()
        async throws
    {
        let store = try await Store()
        let repository = Repository(Orders.self, client: store.client, on: store.loop)
        let now = Timestamp.now()
        try await place("o", deadline: now + .seconds(600), repository)
        try await place("p", deadline: now + .seconds(7200), repository)
        // Another process's event, committed while the clock was an hour ahead.
        store.time.microseconds.withLock { $0 = (now + .seconds(3600)).microseconds }
        _ = try await store.client.append([NewEvent(stream: StreamName("s-1"), type: "T", data: [])]
        )
        #expect(try await confirm("o", repository) == ["OrderRejected"])
        #expect(try await confirm("p", repository) == ["OrderConfirmed"])
    }
}

extension Cause {
    /// The cause of a new command.
    fileprivate static func new() -> Cause {
        let id = EventID.random()
        return Cause(correlationID: id, causationID: .none, key: id, actor: "test")
    }
}
