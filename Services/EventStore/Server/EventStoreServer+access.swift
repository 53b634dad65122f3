import Bytes
import EventLog
import EventSourcing
import WireProtocol

extension EventStoreServer {
    /// Checks the caller's permissions for an append.
    ///
    /// - Throws: `ProtocolError` if the caller may not append one of the records, may not append
    ///   history, or may not read what the condition depends on.
    func check(
        _ records: Span<UInt8>, _ condition: AppendCondition, of caller: Caller
    ) throws(ProtocolError) {
        let permissions = caller.permissions
        // History may claim any time, and rules pass it over.
        if condition.history != nil { try caller.checkAdministers() }
        for stream in condition.streams where !permissions.mayAppend(to: stream.name.category) {
            try caller.checkRead(stream.name.category)
        }
        if let query = condition.noneMatching?.query { try caller.checkRead(query) }
        let appendsAnywhere = permissions.append.contains(Permissions.any)
        var at = 0
        var last: [UInt8] = []
        // The log rejects bytes that are not a whole record.
        while at < records.count, let header = RecordHeader(records.extracting(at..<records.count)),
            header.length <= records.count - at
        {
            let stream = records.extracting(at..<at + header.length).extracting(header.stream)
            at += header.length
            if appendsAnywhere, !StreamName.isSystem(stream) { continue }
            let category = stream.extracting(first: categoryLength(of: stream)).array
            guard category != last else { continue }
            try caller.checkAppend(to: String(decoding: category, as: UTF8.self))
            last = category
        }
    }
}
