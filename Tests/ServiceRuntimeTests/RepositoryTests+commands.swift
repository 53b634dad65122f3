import AccountDomain
import Contracts
import CreditLimitDomain
import EventSourcing
import EventStoreClient
import TestSupport
import Testing
import WireProtocol

@testable import ServiceRuntime

/// Given what is in the log, when a command comes with an id, then it takes effect at most once.
@Suite(.mayBlock, .timeLimit(.minutes(10))) struct `Commands with an id` {
    private let store: Store
    private let accounts: Repository<Account>
    private let id = EventID.random()
    private let usd: Currency

    init() async throws {
        store = try await Store()
        usd = try Currency("USD")
        accounts = Repository(Account.self, client: store.client, on: store.loop)
        for account in ["p", "q"] {
            let open = OpenAccount(account: account, currency: usd, openedAt: .earliest)
            _ = try await accounts.execute(.open(open), cause(.random(), nil))
        }
    }

    private func cause(
        _ id: EventID, _ digest: String?, until deadline: Timestamp? = nil,
        mayBeRepeat: Bool = false
    ) -> Cause {
        Cause(
            correlationID: id, causationID: .none, key: id, actor: "test",
            mayBeRepeat: mayBeRepeat, digest: digest, deadline: deadline)
    }

    private func credit(_ account: String = "p", _ amount: Int64 = 1000) -> Account.Command {
        .credit(CreditMoney(account: account, amount: Money(amount, usd)))
    }

    private func count() async throws -> UInt64 { try await store.client.welcome().head }

    /// Returns the code of the error that the command is answered with.
    private func code(
        of command: Account.Command, _ cause: Cause, by repository: Repository<Account>? = nil
    ) async throws -> ProtocolError.Code? {
        do {
            let outcome = try await (repository ?? accounts).execute(command, cause)
            Issue.record("answered \(outcome)")
            return nil
        } catch let error as ProtocolError {
            return error.code
        }
    }

    @Test func `Events of a command have its digest in their metadata`() async throws {
        _ = try await accounts.execute(credit(), cause(id, "d"))
        let event = try #require(try await store.client.event(id: id.derived("0")))
        #expect(EventMetadata(of: event) == EventMetadata(actor: "test", digest: "d"))
    }

    @Test(arguments: [false, true])
    func `Repeated command is answered with its position and types`(
        mayBeRepeat: Bool
    ) async throws {
        let first = try await accounts.execute(credit(), cause(id, "d"))
        guard case .appended(let appended, let types) = first else {
            Issue.record("answered \(first)")
            return
        }
        let other = Repository(Account.self, client: store.client, on: store.loop)
        for repository in [accounts, other] {
            let again = try await repository.execute(
                credit(), cause(id, "d", mayBeRepeat: mayBeRepeat))
            #expect(again == .repeated(position: appended.last, types: types))
        }
        #expect(try await count() == appended.last)
    }

    @Test(arguments: [false, true])
    func `Id of another command is rejected, at the same and at another service`(
        mayBeRepeat: Bool
    ) async throws {
        _ = try await accounts.execute(credit(), cause(id, "d"))
        let limits = Repository(CreditLimit.self, client: store.client, on: store.loop)
        let before = try await count()
        let other = cause(id, "e", mayBeRepeat: mayBeRepeat)
        #expect(try await code(of: credit("p", 2000), other) == .idReused)
        #expect(try await code(of: credit("q"), other) == .idReused)
        // The account could not do this anyway, but the reason is the id.
        let withdrawal = WithdrawMoney(account: "q", amount: Money(1, usd))
        #expect(try await code(of: .withdraw(withdrawal), other) == .idReused)
        let error = await #expect(throws: ProtocolError.self) {
            _ = try await limits.execute(
                .set(SetCreditLimit(customer: "c", limit: Money(1, usd))), other)
        }
        #expect(error?.code == .idReused && error?.detail == before)
        #expect(try await count() == before)
    }

    @Test func `Event of an earlier version, without a digest, answers a repetition`()
        async throws
    {
        let first = try await accounts.execute(credit(), cause(id, nil))
        guard case .appended(let appended, let types) = first else {
            Issue.record("answered \(first)")
            return
        }
        let again = try await accounts.execute(credit(), cause(id, "d", mayBeRepeat: true))
        #expect(again == .repeated(position: appended.last, types: types))
        // It can't be the effect of a command on another account.
        #expect(try await code(of: credit("q"), cause(id, "d")) == .idReused)
    }

    @Test func `Event that a client has appended itself answers no repetition`() async throws {
        let event = AccountEvent.credited(
            MoneyCredited(
                account: "p", amount: Money(1000, usd), repaid: Money(0, usd), reference: ""))
        _ = try await store.client.append([
            NewEvent(
                id: id.derived("0"), stream: StreamName("account-p"), type: event.type,
                data: event.encoded())
        ])
        for mayBeRepeat in [true, false] {
            let again = cause(id, "d", mayBeRepeat: mayBeRepeat)
            #expect(try await code(of: credit(), again) == .idReused)
        }
    }

    @Test func `Command that was rejected or had nothing to do is decided again`() async throws {
        let withdraw = Account.Command.withdraw(
            WithdrawMoney(account: "p", amount: Money(1000, usd)))
        await #expect(throws: DaybookError.self) {
            _ = try await accounts.execute(withdraw, cause(id, "d"))
        }
        _ = try await accounts.execute(credit(), cause(.random(), "c"))
        let release = Account.Command.release(account: "p", order: "o")
        #expect(try await accounts.execute(release, cause(id, "r")) == .nothing)
        guard
            case .appended = try await accounts.execute(
                withdraw, cause(id, "d", mayBeRepeat: true))
        else {
            Issue.record("the withdrawal is not decided again")
            return
        }
    }

    @Test func `Command is not carried out after its deadline`() async throws {
        let before = try await count()
        for account in ["p", "new"] {
            let late = cause(id, "d", until: .earliest)
            let open = OpenAccount(account: account, currency: usd, openedAt: .earliest)
            let command = account == "p" ? credit() : .open(open)
            #expect(try await code(of: command, late) == .expired)
        }
        #expect(try await count() == before)
        let outcome = try await accounts.execute(
            credit(), cause(id, "d", until: .latest, mayBeRepeat: true))
        guard case .appended(let appended, let types) = outcome else {
            Issue.record("answered \(outcome)")
            return
        }
        // It happened in time, so a repetition that comes too late still learns that.
        let late = cause(id, "d", until: .earliest, mayBeRepeat: true)
        #expect(
            try await accounts.execute(credit(), late)
                == .repeated(position: appended.last, types: types))
    }

    @Test func `Reversal with an id happens once, and the id of another command is rejected`()
        async throws
    {
        guard case .appended(let credited, _) = try await accounts.execute(credit(), cause(id, "c"))
        else {
            Issue.record("nothing was credited")
            return
        }
        let event = try await store.client.event(.position(credited.last)).id
        let reverse = ReverseEvent(event: event, reason: "mistaken")
        let reversal = EventID.random()
        let late = await #expect(throws: ProtocolError.self) {
            _ = try await accounts.reverse(
                reverse, by: "credit", cause(reversal, "r", until: .earliest))
        }
        #expect(late?.code == .expired)
        let (first, _) = try await accounts.reverse(reverse, by: "credit", cause(reversal, "r"))
        guard case .appended(let appended, let types) = first else {
            Issue.record("answered \(first)")
            return
        }
        // Without `mayBeRepeat`, too: otherwise the answer would be that the event is reversed.
        let (again, _) = try await accounts.reverse(reverse, by: "credit", cause(reversal, "r"))
        #expect(again == .repeated(position: appended.last, types: types))
        for used in [reversal, id] {
            let error = await #expect(throws: ProtocolError.self) {
                _ = try await accounts.reverse(reverse, by: "credit", cause(used, "x"))
            }
            #expect(error?.code == .idReused)
        }
    }

    @Test func `Skipped event can't be reversed, and the message says why`() async throws {
        guard case .appended(let credited, _) = try await accounts.execute(credit(), cause(id, "c"))
        else {
            Issue.record("nothing was credited")
            return
        }
        let event = try await store.client.event(.position(credited.last))
        let amendment = EventAmended(event, .skip, reason: "a test", by: "ann")
        _ = try await store.appendOwn([
            NewEvent(
                stream: try StreamName("$amendment-\(event.id)"), type: "EventAmended",
                data: try amendment.encoded())
        ])
        let error = await #expect(throws: DaybookError.self) {
            _ = try await accounts.reverse(
                ReverseEvent(event: event.id, reason: "mistaken"), by: "credit",
                cause(.random(), "r"))
        }
        #expect(error?.kind == .rejected)
        #expect(error?.description.contains("readers skip it") == true)
    }
}
