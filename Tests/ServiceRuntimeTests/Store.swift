import Contracts
import EventBus
import EventLog
import EventSourcing
import EventStoreClient
import EventStoreServer
import Foundation
import JSON
import Logging
import Synchronization
import WireProtocol
import ZeroMQ

@testable import ServiceRuntime

/// An event store in this process, with its bus and participants.
final class Store {
    let folder = "/tmp/daybook-" + UUID().uuidString.prefix(8)
    let client: EventStoreClient
    let loop = SocketLoop(name: "participant")
    /// The store's clock, in microseconds.
    let time = Clock()
    private let context: Context
    private let server: EventStoreServer
    private let groups = CommittedGroups()
    private var running: [Task<Void, any Error>] = []

    final class Clock: Sendable {
        let microseconds = Mutex<Int64>(1_000)
    }

    init() async throws {
        context = try Context()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let (folder, time, groups) = (folder, time, groups)
        server = try await EventStoreServer(
            endpoint: "ipc://\(folder)/requests.sock", feed: "ipc://\(folder)/feed.sock",
            bus: "ipc://\(folder)/bus.sock", on: SocketLoop(name: "store"), in: context,
            onCommit: { groups.add($0) },
            openLog: {
                try EventLog(
                    in: FileStorage(folder: folder + "/log"), segmentBytes: 1 << 20,
                    now: { Timestamp(microseconds: time.microseconds.withLock { $0 }) })
            })
        running.append(Task { [server] in try await server.run() })
        client = try await EventStoreClient(
            endpoint: "ipc://\(folder)/requests.sock", on: loop, in: context)
    }

    deinit {
        for task in running { task.cancel() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Appends events to any streams, as the event store itself does.
    func appendOwn(_ events: [NewEvent]) async throws -> Appended {
        try await server.append(events)
    }

    /// Starts the bus, creates the queues and rules, and returns a client of the bus.
    func startBus(
        _ queues: [QueueDefinition] = [], _ rules: [RuleDefinition] = []
    ) async throws -> ServiceClient {
        let loop = SocketLoop(name: "bus")
        let bus = try await Bus(
            endpoint: "ipc://\(folder)/bus.sock", folder: folder + "/bus",
            journal: folder + "/journal",
            client: EventStoreClient(
                endpoint: "ipc://\(folder)/requests.sock", on: loop, in: context),
            groups: groups, appendOwn: { [server] in try await server.append($0, $1) }, on: loop,
            in: context,
            logger: Logger(label: "bus") { _ in SwiftLogNoOpLogHandler() })
        running.append(Task { try await bus.run() })
        let client = try await ServiceClient(
            endpoint: "ipc://\(folder)/bus.sock", of: "event-store", timeout: .seconds(120),
            actor: "test")
        for queue in queues { _ = try await client.command(BusCall.putQueue, queue) }
        for rule in rules { _ = try await client.command(BusCall.putRule, rule) }
        return client
    }

    /// Returns a participant's runner with its memory in a file of this name.
    func runner(
        _ packer: Packer = Packer(), memory: String = "memory"
    ) async throws -> ParticipantRunner<Packer, Shelf> {
        ParticipantRunner(
            packer, through: Repository(Shelf.self, client: client, on: loop),
            store: try await sagas(memory), client: client, service: "packing", on: loop,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func sagas(_ memory: String = "memory") async throws -> SagaStore<Packer.State> {
        try SagaStore(
            path: "\(folder)/\(memory).sqlite", log: try await client.welcome().log)
    }

    /// Appends the events at the given time and returns them as a queue would deliver them.
    func deliveries(
        _ payloads: any EventPayload..., at microseconds: Int64 = 1_000
    ) async throws -> [Delivery] {
        time.microseconds.withLock { $0 = microseconds }
        let events = try payloads.map { payload in
            NewEvent(
                stream: try StreamName(
                    category: type(of: payload).category,
                    id: payload.entity.isEmpty ? "1" : payload.entity),
                type: type(of: payload).type, tags: payload.tags, data: try JSON.encode(payload))
        }
        return try await deliveries(events)
    }

    func deliveries(_ events: [NewEvent]) async throws -> [Delivery] {
        let first = try await client.append(events).first
        var deliveries: [Delivery] = []
        for try await event in client.read(ReadRequest(from: first)).events {
            deliveries.append(
                Delivery(
                    event: event, rule: "r", replay: nil, receiveCount: 1, enqueuedAt: event.time,
                    firstReceivedAt: event.time, sequence: event.position, lease: 1))
        }
        return deliveries
    }

    /// The orders that were packed, or missed, in the order of the log.
    func orders(_ type: String) async throws -> [String] {
        try await events(type).map { try JSON.decode(Packed.self, from: $0.data).order }
    }

    /// The metadata of the events of the type.
    func metadata(_ type: String) async throws -> [EventMetadata] {
        try await events(type).map { try JSON.decode(EventMetadata.self, from: $0.metadata) }
    }

    private func events(_ type: String) async throws -> [RecordedEvent] {
        var events: [RecordedEvent] = []
        for try await event in client.read(ReadRequest(.types([type]))).events {
            events.append(event)
        }
        return events
    }
}
