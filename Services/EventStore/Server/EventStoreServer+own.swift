import EventLog
public import EventSourcing
import WireProtocol

extension EventStoreServer {
    /// Appends events to any streams, also to system streams.
    ///
    /// It is for the other parts of this process. No message leads here, so a client can't append
    /// to system streams, whatever its permissions. When it returns, the events are as durable as
    /// those of an answered append.
    ///
    /// - Throws: `ProtocolError` if the log rejects the append, `LogError` if the log can't be
    ///   written. Then ``run()`` throws it, too.
    public func append(
        _ events: [NewEvent], _ condition: AppendCondition = .any
    ) throws -> Appended {
        try Task.checkCancellation()
        var records: [UInt8] = []
        for event in events { try event.encode(into: &records) }
        let staged = Result { () throws(AppendError) in try log.stage(records.span, condition) }
        do {
            // Also after a rejection, because a log that failed meanwhile throws its failure here.
            try publish(try commit())
        } catch {
            failures.continuation.yield(error)
            throw error
        }
        let appended = try staged.mapError { ProtocolError($0) }.get()
        counts.appends += 1
        return appended
    }
}
