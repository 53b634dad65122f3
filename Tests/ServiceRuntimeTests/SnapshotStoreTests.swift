import Contracts
import EventSourcing
import EventStoreClient
import Foundation
import Logging
import Testing
import WireProtocol
import ZeroMQ

@testable import ServiceRuntime

/// A tally of numbers, with a snapshot at every third event.
private enum Tally: Aggregate {
    struct Added: EventPayload {
        static let category = "tally"
        static let type = "Added"
        static var family: any PayloadFamily.Type { Event.self }
        var number: Int
        var tags: [String] { [] }
    }

    enum Event: PublishedPayloadFamily {
        case added(Added)

        static let cases = PayloadCases([.init(Event.added)])
        var payload: any EventPayload {
            switch self {
            case .added(let payload): payload
            }
        }
    }

    struct Command: Sendable {
        var id: String
        var number: Int
        /// The tally that the command requires; nil for any.
        var expected: Int?
    }

    struct Rejection: Error, CustomStringConvertible { let description: String }

    static let category = "tally"
    static let initial = 0
    static let snapshotInterval = 3

    static func id(of command: Command) -> String { command.id }

    static func decide(_ command: Command, given state: Int) throws(Rejection) -> [Event] {
        guard command.expected ?? state == state else {
            throw Rejection(description: "the tally is \(state)")
        }
        return [.added(Added(number: command.number))]
    }

    static func evolve(_ state: inout Int, with event: Event) {
        switch event {
        case .added(let event): state += event.number
        }
    }
}

// The tests append to streams of any name, so the family does not check it.
extension Tally.Event {
    init?(type: String, data: ArraySlice<UInt8>, in stream: StreamName) throws {
        try self.init(type: type, data: data)
    }
}

/// The same events, folded to another state.
private enum NewTally: Aggregate {
    typealias Event = Tally.Event
    typealias Command = Tally.Command
    typealias Rejection = Tally.Rejection

    static let category = "tally"
    static let initial = 0
    static let stateVersion = 2

    static func id(of command: Command) -> String { command.id }

    static func decide(_ command: Command, given state: Int) throws(Rejection) -> [Event] {
        try Tally.decide(command, given: state)
    }

    static func evolve(_ state: inout Int, with event: Event) {
        switch event {
        case .added(let event): state += 10 * event.number
        }
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Snapshots` {
    private let stream: StreamName
    private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws { stream = try StreamName("tally-a") }

    private func add(
        _ numbers: Int..., expecting expected: Int? = nil, to repository: Repository<Tally>
    ) async throws {
        for number in numbers {
            _ = try await repository.execute(
                .init(id: "a", number: number, expected: expected), .any)
        }
    }

    @Test func `Snapshots are used and do not change decisions`() async throws {
        let store = try await Store()
        let snapshots = try await store.snapshots()
        func repository(_ snapshots: SnapshotStore?) -> Repository<Tally> {
            Repository(Tally.self, client: store.client, snapshots: snapshots, on: store.loop)
        }
        var sum = 0
        for round in 1...10 {
            // Each repository starts with an empty cache. Every second one has no snapshots.
            let fresh = repository(round.isMultiple(of: 2) ? nil : snapshots)
            try await add(round, expecting: sum, to: fresh)
            sum += round
        }
        let kept = try #require(await snapshots.snapshot(of: stream, Tally.self))
        #expect(
            kept.revision >= 2 && kept.state == (0...Int(kept.revision)).reduce(0) { $0 + $1 + 1 })
        #expect(try await store.client.event(id: kept.event)?.position == kept.position)
        // A wrong snapshot of an existing event is believed, so snapshots are used.
        await snapshots.keep(
            Snapshot(
                state: 1000, revision: kept.revision, position: kept.position, event: kept.event),
            of: stream, Tally.self)
        let rest = (Int(kept.revision) + 2...10).reduce(0, +)
        try await add(0, expecting: 1000 + rest, to: repository(snapshots))
        try await add(0, expecting: sum, to: repository(nil))
    }

    @Test func `Snapshot that contradicts the log is ignored and replaced`() async throws {
        let store = try await Store()
        let snapshots = try await store.snapshots()
        try await add(
            1, 2, 3, to: Repository(Tally.self, client: store.client, on: store.loop))
        let last = try #require(try await store.last(of: stream))
        let wrong: [Snapshot<Int>] = [
            // The event does not exist, as after a loss of power.
            Snapshot(state: 99, revision: 9, position: 12, event: .random()),
            // Another event is at this position.
            Snapshot(state: 99, revision: 2, position: last.position, event: .random()),
            Snapshot(state: 99, revision: 1, position: last.position, event: last.id),
            Snapshot(state: 99, revision: 2, position: last.position + 1, event: last.id),
        ]
        for (index, snapshot) in wrong.enumerated() {
            await snapshots.keep(snapshot, of: stream, Tally.self)
            let fresh = Repository(
                Tally.self, client: store.client, snapshots: snapshots, on: store.loop)
            try await add(0, expecting: 6, to: fresh)
            let kept = await snapshots.snapshot(of: stream, Tally.self)
            #expect(kept?.state == 6, "\(index)")
        }
    }

    @Test func `Snapshots of another state version or another log are ignored`() async throws {
        let store = try await Store()
        let snapshots = try await store.snapshots()
        try await add(
            1, 2, 3,
            to: Repository(
                Tally.self, client: store.client, snapshots: snapshots, on: store.loop))
        #expect(await snapshots.snapshot(of: stream, Tally.self)?.state == 6)
        #expect(await snapshots.snapshot(of: stream, NewTally.self) == nil)
        let new = Repository(
            NewTally.self, client: store.client, snapshots: snapshots, on: store.loop)
        _ = try await new.execute(.init(id: "a", number: 1, expected: 60), .any)
        try snapshots.close()
        let path = "\(store.folder)/snapshots.sqlite"
        let others = try SnapshotStore(path: path, log: .random(), logger: quiet)
        #expect(await others.snapshot(of: stream, Tally.self) == nil)
        try others.close()
    }

    @Test func `Snapshot of a stream whose event was amended is removed`() async throws {
        let store = try await Store()
        let snapshots = try await store.snapshots()
        func repository(_ snapshots: SnapshotStore) -> Repository<Tally> {
            Repository(Tally.self, client: store.client, snapshots: snapshots, on: store.loop)
        }
        try await add(1, 2, 3, to: repository(snapshots))
        let last = try #require(try await store.last(of: stream))
        // A wrong state shows whether the snapshot is used.
        func keepWrong(in snapshots: SnapshotStore) async {
            await snapshots.keep(
                Snapshot(
                    state: 1000, revision: last.revision, position: last.position, event: last.id),
                of: stream, Tally.self)
        }
        await keepWrong(in: snapshots)
        #expect(snapshots.checkpoint == 0)
        let foreign = try await store.deliveries(Wanted(order: "a"))[0].event
        await repository(snapshots).forget(AmendmentNotice(position: 50, event: foreign))
        try await add(0, expecting: 1000, to: repository(snapshots))
        await repository(snapshots).forget(AmendmentNotice(position: 60, event: last))
        try await add(0, expecting: 6, to: repository(snapshots))
        try snapshots.close()
        // The file knows the amendment after a restart.
        let again = try await store.snapshots()
        #expect(again.checkpoint == 60)
        // A snapshot that can't be removed is not used.
        await keepWrong(in: again)
        try again.close()
        await again.forget(stream, amendedAt: 70)
        try await add(0, expecting: 6, to: repository(again))
    }

    @Test func `Repository works without snapshots that can't be read`() async throws {
        let store = try await Store()
        let snapshots = try await store.snapshots()
        try snapshots.close()
        let broken = Repository(
            Tally.self, client: store.client, snapshots: snapshots, on: store.loop)
        try await add(1, 2, 3, 4, to: broken)
        let fresh = Repository(
            Tally.self, client: store.client, snapshots: snapshots, on: store.loop)
        try await add(0, expecting: 10, to: fresh)
        // A file that is not a database does not keep the service from starting.
        let path = "\(store.folder)/snapshots.sqlite"
        try ProjectedStore.remove(path)
        try Data("no database, but long enough to be looked at as one".utf8)
            .write(to: URL(filePath: path))
        let again = Repository(
            Tally.self, client: store.client, snapshots: try await store.snapshots(),
            on: store.loop)
        try await add(0, expecting: 10, to: again)
    }
}

extension Cause {
    /// The cause of a new command.
    fileprivate static var any: Cause {
        let id = EventID.random()
        return Cause(correlationID: id, causationID: .none, key: id, actor: "test")
    }
}

extension Store {
    fileprivate func snapshots() async throws -> SnapshotStore {
        try SnapshotStore(
            path: "\(folder)/snapshots.sqlite", log: try await client.welcome().log,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    fileprivate func last(of stream: StreamName) async throws -> RecordedEvent? {
        let request = ReadRequest(.stream(stream), direction: .backwards, limit: 1)
        for try await event in client.read(request).events { return event }
        return nil
    }
}
