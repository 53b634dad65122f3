extension RecordedEvent {
    /// Returns the event at the same place with another id, other tags and other content.
    public func replacing(
        id: EventID, tags: [String], content: EventContent
    ) throws(DaybookError) -> RecordedEvent {
        var record: [UInt8] = []
        try NewEvent(
            id: id, stream: stream, type: content.type, tags: tags, correlationID: correlationID,
            causationID: causationID, contentType: contentType, metadata: Array(metadata),
            data: Array(content.data)
        ).encode(into: &record)
        let head = RecordLayout.position..<RecordLayout.headChecksum
        record.replaceSubrange(head, with: bytes.dropFirst(head.lowerBound).prefix(head.count))
        let checksum = RecordHeader.headChecksum(of: record.span)
        for byte in 0..<4 {
            record[RecordLayout.headChecksum + byte] = UInt8(
                truncatingIfNeeded: checksum >> (8 * byte))
        }
        return RecordedEvent(unchecked: record[...])
    }
}
