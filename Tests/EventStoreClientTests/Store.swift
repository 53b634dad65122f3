import EventLog
import EventSourcing
import EventStoreClient
import EventStoreServer
import Foundation
import WireProtocol
import ZeroMQ

/// A store in this process that can be stopped and restarted on the same folder. Faults between it
/// and its clients are optional.
final class Store {
    let context: Context
    let loop = SocketLoop(name: "store")
    let clientLoop = SocketLoop(name: "client")
    let folder = NSTemporaryDirectory() + "daybook-" + UUID().uuidString.prefix(8)
    /// The proxy between the client and the store, if `isProxied` was set.
    private(set) var proxy: RequestProxy?
    /// The groups that the log commits.
    let groups = CommittedGroups()
    private let feed: String
    private var server: EventStoreServer?
    private var running: Task<Void, any Error>?
    private var between: [Task<Void, any Error>] = []

    init(faults: FeedFaults? = nil, isProxied: Bool = false) async throws {
        context = try Context()
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        feed = faults == nil ? "feed.sock" : "real.sock"
        if let faults {
            let meddler = try await Meddler(
                from: "ipc://\(folder)/real.sock", to: "ipc://\(folder)/feed.sock",
                faults: faults, on: loop, in: context)
            between.append(Task { try await meddler.run() })
        }
        if isProxied {
            let proxy = try await RequestProxy(
                from: "ipc://\(folder)/proxy.sock", to: "ipc://\(folder)/requests.sock", on: loop,
                in: context)
            between.append(Task { try await proxy.run() })
            self.proxy = proxy
        }
        try await start()
    }

    func start() async throws {
        let (folder, groups) = (folder, groups)
        let server = try await EventStoreServer(
            endpoint: "ipc://\(folder)/requests.sock", feed: "ipc://\(folder)/\(feed)",
            advertised: "ipc://\(folder)/feed.sock", on: loop, in: context,
            onCommit: { groups.add($0) },
            openLog: {
                try EventLog(
                    in: FileStorage(folder: folder + "/log"), segmentBytes: 1 << 18,
                    now: { Timestamp(microseconds: 1_000) })
            })
        self.server = server
        running = Task { try await server.run() }
    }

    /// Appends an event to any stream, as the event store itself does.
    func appendOwn(_ event: NewEvent) async throws {
        guard let server else { throw DaybookError(.unavailable, "the store is stopped") }
        _ = try await server.append([event])
    }

    func stop() async {
        running?.cancel()
        _ = await running?.result
        running = nil
        server = nil
    }

    func client() async throws -> EventStoreClient {
        let name = proxy == nil ? "requests.sock" : "proxy.sock"
        return try await EventStoreClient(
            endpoint: "ipc://\(folder)/\(name)", on: clientLoop, in: context)
    }

    deinit {
        running?.cancel()
        for task in between { task.cancel() }
        try? FileManager.default.removeItem(atPath: folder)
    }
}

func event(
    _ number: Int, category: String = "s", type: String = "T", tags: [String] = []
) throws -> NewEvent {
    NewEvent(
        id: EventID(high: 1, low: UInt64(number)), stream: try StreamName("\(category)-1"),
        type: type, tags: tags, data: Array("event \(number)".utf8))
}
