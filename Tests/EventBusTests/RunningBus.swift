import EventBus
import EventLog
import EventSourcing
import EventStoreClient
import EventStoreServer
import Foundation
import Logging
import ObjectStorage
import Observability
import Synchronization
import TestSupport
import Testing
import WireProtocol
import ZeroMQ

/// A store and its bus in this process, which a test can restart on the same folder.
final class RunningBus {
    let store: EventStoreClient
    let admin: ServiceClient
    private let context: Context
    private let loop = SocketLoop(name: "store")
    private let busLoop = SocketLoop(name: "bus")
    private let clientLoop = SocketLoop(name: "client")
    private let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString.prefix(8)
    private var server: EventStoreServer?
    private var running: [Task<Void, any Error>] = []
    private var lastID: UInt64 = 0
    private let window: Int
    private let journalBytes: Int
    private let logger: Logger
    let clock = ShiftedClock()

    init(
        window: Int = 20_000, journalBytes: Int = 64 << 20,
        logger: Logger = Logger(label: "bus") { _ in SwiftLogNoOpLogHandler() }
    ) async throws {
        self.window = window
        self.journalBytes = journalBytes
        self.logger = logger
        context = try Context()
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        store = try await EventStoreClient(
            endpoint: "ipc://\(folder)/requests.sock", on: clientLoop, in: context)
        admin = try await ServiceClient(
            endpoint: "ipc://\(folder)/bus.sock", of: "event-store", timeout: .seconds(120),
            actor: "tester")
        try await start()
    }

    func start() async throws {
        let (folder, clock, groups) = (folder, clock, CommittedGroups())
        let server = try await EventStoreServer(
            endpoint: "ipc://\(folder)/requests.sock", feed: "ipc://\(folder)/feed.sock",
            bus: "ipc://\(folder)/bus.sock", on: loop, in: context,
            onCommit: { groups.add($0) },
            openLog: {
                try EventLog(
                    in: FileStorage(folder: folder + "/log"), segmentBytes: 1 << 20,
                    now: { clock.now })
            })
        self.server = server
        running = [Task { try await server.run() }]
        let bus = try await Bus(
            endpoint: "ipc://\(folder)/bus.sock", folder: folder + "/bus",
            journal: folder + "/journal",
            client: try await EventStoreClient(
                endpoint: "ipc://\(folder)/requests.sock", on: busLoop, in: context),
            groups: groups, appendOwn: { try await server.append($0, $1) }, on: busLoop,
            in: context,
            archiveRoots: StorageRoots(["/"]), window: window, journalBytes: journalBytes,
            now: { clock.now }, logger: logger)
        running.append(
            Task {
                do {
                    try await bus.run()
                } catch let error where !(error is CancellationError) {
                    // At the end of a test, the task is cancelled and its folder is removed.
                    if !Task.isCancelled { Issue.record(error, "the bus has failed") }
                    throw error
                }
            })
    }

    func stop() async {
        // The bus stops first, so that its last writes do not depend on when the store stops.
        for task in running.reversed() {
            task.cancel()
            _ = await task.result
        }
        running = []
        server = nil
        while !isUnlocked { try? await lookAgainSoon() }
    }

    /// Whether the log and the journal can be opened again. Each is unlocked when its last owner is
    /// gone, which may be a moment after the task that ran it has ended.
    private var isUnlocked: Bool {
        let files = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String }
        return (files ?? []).filter { $0.hasSuffix("/lock") }.allSatisfy { name in
            guard let file = FileHandle(forUpdatingAtPath: "\(folder)/\(name)") else { return true }
            defer { flock(file.fileDescriptor, LOCK_UN) }
            return flock(file.fileDescriptor, LOCK_EX | LOCK_NB) == 0
        }
    }

    /// Restarts the store and the bus, which lose their state in memory.
    func restart() async throws {
        await stop()
        try await start()
    }

    /// The names of the files and folders in a folder of the bus.
    func names(in name: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(name)")
    }

    /// The content of all segments of the journal, by the paths of their files.
    func journal() throws -> [String: Data] {
        let files = FileManager.default.enumerator(atPath: "\(folder)/journal")
        let names = files?.compactMap { $0 as? String }.filter { $0.hasSuffix(".segment") } ?? []
        return try Dictionary(
            uniqueKeysWithValues: names.map {
                ($0, try Data(contentsOf: URL(filePath: "\(folder)/journal/\($0)")))
            })
    }

    /// Removes a file or folder of the stopped bus.
    func remove(_ name: String) throws {
        try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    }

    deinit {
        for task in running { task.cancel() }
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: Driving

    func put(_ queue: QueueDefinition) async throws {
        _ = try await admin.command(BusCall.putQueue, queue)
    }

    /// Creates a rule that sends events of the type to the queues.
    func put(rule: String, type: String = "T", to targets: String...) async throws {
        _ = try await admin.command(
            BusCall.putRule,
            RuleDefinition(
                name: rule, pattern: #"{"detail-type":["\#(type)"]}"#,
                targets: targets.map { RuleTarget($0) }))
    }

    func view(_ queue: String) async throws -> QueueView {
        let head = try await store.welcome().head
        let views = try await admin.query(
            BusCall.queues, Nothing(), atLeast: head, as: [QueueView].self)
        return try #require(views.first { $0.queue.name == queue })
    }

    /// Waits until the queue fulfils `condition`.
    func wait(
        for queue: String, until condition: (QueueView) -> Bool
    ) async throws -> QueueView {
        while true {
            let view = try await view(queue)
            if condition(view) { return view }
            try await lookAgainSoon()
        }
    }

    func deadLetters(
        _ selection: DeadLetterSelection = DeadLetterSelection()
    ) async throws -> [DeadLetterView] {
        let head = try await store.welcome().head
        return try await admin.query(
            BusCall.deadLetters, DeadLettersRequest(selection), atLeast: head)
    }

    /// Redrives dead letters.
    ///
    /// - Parameter mayBeRepeat: whether an earlier call may have had the same id.
    @discardableResult
    func redrive(
        _ selection: DeadLetterSelection = DeadLetterSelection(), id: EventID = .random(),
        mayBeRepeat: Bool = false
    ) async throws -> CommandReply {
        try await admin.command(
            BusCall.redrive, CloseDeadLetters(selection), id: id, mayBeRepeat: mayBeRepeat)
    }

    /// Appends events to the conversation `correlation`. Returns their positions.
    @discardableResult
    func append(
        _ count: Int = 1, type: String = "T", stream: String = "s-1", correlation: UInt64? = nil,
        data: String = "{}"
    ) async throws -> ClosedRange<UInt64> {
        let stream = try StreamName(stream)
        let events = (0..<count).map { _ in
            lastID += 1
            return NewEvent(
                id: EventID(high: 7, low: lastID), stream: stream, type: type,
                correlationID: correlation.map { EventID(high: 1, low: $0) },
                data: Array(data.utf8))
        }
        let appended = try await store.append(events)
        return appended.first...appended.last
    }

    /// Appends events to any streams, as the event store itself does.
    func appendOwn(_ events: [NewEvent]) async throws {
        _ = try await #require(server).append(events)
    }

    /// Amends the event at a position. Without data, readers skip it.
    func amend(_ position: UInt64, _ data: String? = nil) async throws {
        let client = try await ServiceClient(
            endpoint: "ipc://\(folder)/requests.sock", of: "event-store", timeout: .seconds(120),
            actor: "tester")
        let event = try await store.event(.position(position))
        let amendment = AmendEvent(event: event.id, data: data, reason: "it is wrong")
        _ = try await client.command(StoreCall.amend, amendment)
        await client.close()
    }

    /// Receives and acknowledges deliveries until the queue has none that is ready. Returns their
    /// positions.
    func drain(_ queue: String) async throws -> [UInt64] {
        let consumer = try await store.consumer(of: queue, named: "drain")
        var positions: [UInt64] = []
        while true {
            _ = try await view(queue)
            let deliveries = try await consumer.receive(1000, wait: .zero)
            guard !deliveries.isEmpty else { break }
            positions += deliveries.map(\.event.position)
            try await consumer.acknowledge(deliveries.map { $0.acknowledgement(.acknowledged) })
        }
        await consumer.close()
        return positions
    }
}

/// The system's clock, which a test sets forward and back.
final class ShiftedClock: Sendable {
    private let shift = Mutex(Duration.zero)

    var now: Timestamp { .now() + shift.withLock(\.self) }

    func jump(_ change: Duration) { shift.withLock { $0 += change } }
}

extension Delivery {
    func acknowledgement(_ verdict: Acknowledgement.Verdict) -> Acknowledgement {
        Acknowledgement(sequence: sequence, lease: lease, verdict)
    }
}
