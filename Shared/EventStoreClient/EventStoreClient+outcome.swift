public import EventSourcing
public import WireProtocol

extension EventStoreClient {
    /// Returns the outcome of an earlier attempt of a command, or nil if none has appended events.
    ///
    /// - Parameter mayHold: returns whether a stream may hold the command's events. It decides for
    ///   events of earlier versions, which have no digest.
    /// - Throws: `idReused` if another command has used the id.
    public func earlierOutcome(
        of cause: Cause, in mayHold: (StreamName) -> Bool
    ) async throws -> Outcome? {
        guard let first = try await event(id: cause.eventID(0)) else { return nil }
        // Every version has written metadata. An event without it was appended by a client.
        let isSame = EventMetadata(of: first).map { metadata in
            metadata.digest.map { $0 == cause.digest } ?? mayHold(first.stream)
        }
        guard cause.digest == nil || isSame == true else {
            throw ProtocolError(
                .idReused, detail: first.position,
                "another command has used the id \(cause.key), for \(first.type) at position "
                    + "\(first.position) of stream \(first.stream); choose a new id")
        }
        var (position, types) = (first.position, [first.type])
        while let next = try await event(id: cause.eventID(types.count)) {
            position = max(position, next.position)
            types.append(next.type)
        }
        return .repeated(position: position, types: types)
    }
}
