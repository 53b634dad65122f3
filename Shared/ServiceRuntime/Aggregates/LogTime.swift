import EventSourcing
import EventStoreClient
import Observability
import WireProtocol
import ZeroMQ

/// The clock for deadlines: the later of this process's clock and the log's last commit time.
///
/// Commit times never go back, so a process whose clock is slow does not miss a deadline.
actor LogTime {
    private let client: EventStoreClient
    private let loop: SocketLoop
    private var reading: Task<Timestamp, any Error>?

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    init(_ client: EventStoreClient, on loop: SocketLoop) {
        self.client = client
        self.loop = loop
    }

    /// Returns the current time. Concurrent callers share one read of the log.
    func now() async throws -> Timestamp {
        let reading = reading ?? Task { try await self.read() }
        self.reading = reading
        return max(try await reading.value, .now())
    }

    private func read() async throws -> Timestamp {
        defer { reading = nil }
        let last = ReadRequest(.all, direction: .backwards, limit: 1)
        for try await event in client.read(last).events { return event.time }
        return .distantPast
    }
}
