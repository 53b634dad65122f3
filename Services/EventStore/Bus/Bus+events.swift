import EventSourcing
import EventStoreClient
import Logging
import WireProtocol

extension Bus {
    /// Positions closer together than this are read with one request.
    private static let stretch: UInt64 = 512

    /// Returns the events at `positions`. An event with a damaged record is missing from the
    /// result.
    ///
    /// - Throws: `unavailable` if the store does not answer.
    func events(at positions: [UInt64]) async throws -> [UInt64: RecordedEvent] {
        var found: [UInt64: RecordedEvent] = [:]
        for position in positions { found[position] = cache[position] }
        try await read(positions.filter { found[$0] == nil }) { found[$0.position] = $0.detached }
        return found
    }

    /// Reads the events at `positions` into the cache. It keeps no more of them than fit there.
    func cacheEvents(at positions: [UInt64]) async throws {
        let generation = cache.generation
        try await read(positions.filter { cache[$0] == nil }) {
            cache.insert($0, readIn: generation)
        }
    }

    private func read(
        _ positions: [UInt64], _ take: (RecordedEvent) -> Void
    ) async throws {
        var rest = positions.sorted()[...]
        while let first = rest.first {
            let together = rest.prefix { $0 - first < Self.stretch }
            rest = rest.dropFirst(together.count)
            try await read(together, take)
        }
    }

    /// Reads the events at `positions`, in ascending order. If one can't be read, the others are
    /// read one by one.
    private func read(
        _ positions: ArraySlice<UInt64>, _ take: (RecordedEvent) -> Void
    ) async throws {
        guard let first = positions.first, let last = positions.last else { return }
        let wanted = Set(positions)
        do {
            for try await event in client.read(ReadRequest(.all, from: first, to: last)).events
            where wanted.contains(event.position) {
                take(event)
            }
        } catch is ProtocolError where positions.count > 1 {
            for position in positions { try await read([position], take) }
        } catch let error as ProtocolError {
            logger.error(
                "an event can't be read",
                metadata: ["position": "\(first)", "reason": "\(error)"])
        }
    }
}
