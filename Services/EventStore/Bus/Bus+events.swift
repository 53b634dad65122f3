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
        var rest = positions.filter { found[$0] == nil }.sorted()[...]
        while let first = rest.first {
            let together = rest.prefix { $0 - first < Self.stretch }
            rest = rest.dropFirst(together.count)
            try await read(together, into: &found)
        }
        return found
    }

    /// Adds the events at `positions`, in ascending order. If one can't be read, the others are
    /// read one by one.
    private func read(
        _ positions: ArraySlice<UInt64>, into found: inout [UInt64: RecordedEvent]
    ) async throws {
        guard let first = positions.first, let last = positions.last else { return }
        let wanted = Set(positions)
        do {
            for try await event in client.read(ReadRequest(.all, from: first, to: last)).events
            where wanted.contains(event.position) {
                found[event.position] = event
            }
        } catch is ProtocolError where positions.count > 1 {
            for position in positions { try await read([position], into: &found) }
        } catch let error as ProtocolError {
            logger.error(
                "an event can't be read",
                metadata: ["position": "\(first)", "reason": "\(error)"])
        }
    }
}
