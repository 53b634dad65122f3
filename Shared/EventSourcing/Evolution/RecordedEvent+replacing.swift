import Bytes

extension RecordedEvent {
    /// Returns the event at the same place with another id, other tags and other content.
    public func replacing(
        id: EventID, tags: [String], content: EventContent
    ) throws(DaybookError) -> RecordedEvent {
        var record: [UInt8] = []
        var new = NewEvent(
            id: id, stream: stream, type: content.type, tags: tags, correlationID: correlationID,
            causationID: causationID, contentType: contentType, metadata: Array(metadata),
            data: Array(content.data))
        new.originalTime = originalTime
        try new.encode(into: &record)
        let head = RecordLayout.position..<RecordLayout.headChecksum
        record.replaceSubrange(head, with: bytes.dropFirst(head.lowerBound).prefix(head.count))
        let checksum = RecordHeader.headChecksum(of: record.span)
        var written = record.mutableSpan
        written.set(checksum, at: RecordLayout.headChecksum)
        return RecordedEvent(unchecked: record[...])
    }
}
