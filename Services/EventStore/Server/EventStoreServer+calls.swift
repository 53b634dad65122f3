import CallServer
import EventLog
import EventSourcing
import Foundation
import JSON
import Observability
import WireProtocol

/// A call, and where its answer goes.
struct ReceivedCall: Sendable {
    let key: ReadKey
    let caller: Caller
    let name: [UInt8]
    let argument: [UInt8]

    var lane: CallerLane { CallerLane(caller, key.peer) }
    var bytes: Int { name.count + argument.count }
}

extension EventStoreServer {
    func welcome(_ hello: [UInt8], _ caller: Caller) throws(ProtocolError) -> [UInt8] {
        try decode(Hello.self, hello).checkVersion()
        let welcome = Welcome(
            server: "event-store", log: log.id, head: log.head,
            feed: caller.permissions.readsAll ? feedEndpoint : nil, bus: busEndpoint,
            history: log.lastHistory > 0 ? log.lastHistory : nil)
        do {
            return try JSON.encode(welcome)
        } catch {
            throw ProtocolError(.internal, "\(error)")
        }
    }

    /// Registers the store's calls.
    func addCalls() {
        add(StoreCall.amend) { try await $0.amend($1, $2) }
        add(StoreCall.undoAmendment) { try await $0.undoAmendment($1, $2) }
        add(StoreCall.amendedPositions) { server, _, caller in
            try await server.amendedPositions(caller)
        }
        add(StoreCall.event) { try await $0.event($1, $2) }
        add(StoreCall.streams) { try await $0.streams($1, $2) }
        add(StoreCall.statistics) { server, _, _ in try await server.statistics() }
        add(StoreCall.chain) { server, _, _ in try await server.chainHead() }
    }

    private func add(
        _ name: String,
        _ handler: @escaping @Sendable (EventStoreServer, Data, Caller) async throws -> [UInt8]
    ) {
        calls.handle(name) { argument, caller in
            do {
                return (Data(try await handler(self, argument, caller)), "answered")
            } catch let error as LogError {
                throw ProtocolError(error)
            }
        }
    }

    /// How many calls run at a time. The others wait, so that the clients take turns.
    private static let callsAtATime = 2

    /// Answers the calls that were taken. They see what is committed.
    func serveCalls() async throws {
        await withDiscardingTaskGroup { group in
            for await _ in callSignal.stream {
                while runningCalls < Self.callsAtATime, let call = waitingCalls.popFirst() {
                    // It computes on another thread, for long, and keeps no other call waiting.
                    let counts = !call.name.elementsEqual(StoreCall.chain.utf8)
                    if counts { runningCalls += 1 }
                    group.addTask(executorPreference: self.loop) {
                        let start = ContinuousClock.now
                        await self.answer(call)
                        if counts { await self.endCall(of: call.lane, after: .now - start) }
                    }
                }
            }
        }
        throw CancellationError()
    }

    private func endCall(of client: CallerLane, after duration: Duration) {
        runningCalls -= 1
        waitingCalls.charge(duration, to: client)
        callSignal.continuation.yield()
    }

    private func answer(_ request: ReceivedCall) async {
        let answer: (kind: MessageKind, body: [UInt8])
        do throws(ProtocolError) {
            let result = try await calls.answer(
                request.name, request.argument, to: request.caller)
            // Each of the store's answers has one frame.
            answer = (.result, result[0])
        } catch {
            answer = (.error, countedBody(of: error))
        }
        calls.end(request.lane, bytes: request.bytes)
        // After a failed write, only a restart shows what is on disk.
        guard (try? log.checkUsable()) != nil else { return }
        send(request.key, answer.kind, answer.body, to: request.caller)
    }

    /// Returns the record of the event with this id, or no bytes if the log lacks it.
    private func event(_ argument: Data, _ caller: Caller) throws -> [UInt8] {
        guard let id = EventID(String(decoding: argument, as: UTF8.self)) else {
            throw ProtocolError(.invalid, "the argument of event must be a UUID")
        }
        guard let event = try log.committedEvent(id: id) else { return [] }
        try caller.checkRead(event.category)
        let amended = amendments.byPosition[event.position].map(event.amended)
        return Array((amended ?? event).bytes)
    }

    private func streams(_ argument: Data, _ caller: Caller) async throws -> [UInt8] {
        let request = try decode(StreamsRequest.self, argument)
        try caller.checkRead(request.category.map { .categories([$0]) } ?? .all)
        guard (1...StreamsRequest.maximumLimit).contains(request.limit) else {
            throw ProtocolError(
                .invalid,
                "the limit of a list of streams must be 1 to \(StreamsRequest.maximumLimit), "
                    + "not \(request.limit)")
        }
        var listing = log.listing(
            of: request.category, after: request.after, limit: request.limit)
        var entries: [StreamEntry] = []
        while !listing.isDone {
            entries += try log.streams(&listing)
            await Task.yield()
        }
        return try JSON.encode(entries)
    }

    private func statistics() throws -> [UInt8] {
        let log = try self.log.statistics()
        var figures = StoreStatistics(log: self.log.id, durability: durability.rawValue)
        figures.head = log.events
        figures.streams = log.streams
        figures.segments = log.segments
        figures.amendedEvents = amendments.byPosition.count
        figures.bytes = log.bytes
        figures.uptimeSeconds = Int((ContinuousClock.now - startedAt).components.seconds)
        figures.requests = counts.requests.values.reduce(0, +)
        figures.appends = counts.appends
        figures.commits = counts.commits.count
        figures.commitSeconds = counts.commits.sum
        figures.eventsRead = counts.eventsRead
        figures.openReads = reads.count
        figures.subscriptions = topics.count
        return try JSON.encode(figures)
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, _ bytes: some Collection<UInt8>
    ) throws(ProtocolError) -> Value {
        do {
            return try JSON.argument(type, Data(bytes))
        } catch {
            throw ProtocolError(describing: error)
        }
    }
}
