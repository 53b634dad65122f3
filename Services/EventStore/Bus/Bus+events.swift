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
        var missing: [UInt64] = []
        for position in positions {
            if let event = cache[position] {
                found[position] = event
            } else {
                missing.append(position)
            }
        }
        missing.sort()
        var rest = missing[...]
        while let first = rest.first {
            let together = rest.prefix { $0 - first < Self.stretch }
            rest = rest.dropFirst(together.count)
            do {
                try await read(together, into: &found)
            } catch is ProtocolError where together.count > 1 {
                for position in together { try await readAlone(position, into: &found) }
            } catch let error as ProtocolError {
                logUnreadable(error, at: first)
            }
        }
        return found
    }

    private func read(
        _ positions: ArraySlice<UInt64>, into found: inout [UInt64: RecordedEvent]
    ) async throws {
        guard let first = positions.first, let last = positions.last else { return }
        let wanted = Set(positions)
        for try await event in client.read(ReadRequest(.all, from: first, to: last)).events
        where wanted.contains(event.position) {
            found[event.position] = event
        }
    }

    private func readAlone(
        _ position: UInt64, into found: inout [UInt64: RecordedEvent]
    ) async throws {
        do {
            try await read([position], into: &found)
        } catch let error as ProtocolError {
            logUnreadable(error, at: position)
        }
    }

    private func logUnreadable(_ error: ProtocolError, at position: UInt64) {
        logger.error(
            "an event can't be read",
            metadata: ["position": "\(position)", "reason": "\(error)"])
    }
}
