public import EventSourcing

/// Why the log rejected an append. It stored none of the append's events.
public enum AppendError: Error, Hashable, CustomStringConvertible {
    /// The records are malformed or exceed a limit. The text says what is wrong.
    case invalid(String)
    /// A stream's last revision is not the expected one. Nil if the stream does not exist.
    case wrongRevision(StreamName, actual: UInt64?)
    /// The event at the position matches the condition's `noneMatching` query.
    case conditionFailed(position: UInt64)
    /// The log already holds an event with this id and other content.
    case idReused(EventID, position: UInt64)
    /// The log could not be read or written, or it is closed.
    case log(LogError)

    /// A message of one line that says what is wrong.
    public var description: String {
        switch self {
        case .invalid(let reason): reason
        case .wrongRevision(let stream, let actual?): "stream \(stream) is at revision \(actual)"
        case .wrongRevision(let stream, nil): "stream \(stream) does not exist"
        case .conditionFailed(let position):
            "the event at position \(position) matches the append condition's query"
        case .idReused(let id, let position):
            "the log has event id \(id) at position \(position) with other content"
        case .log(let error): error.description
        }
    }
}

/// Checks the bytes of an append. It needs no access to the log.
enum Admission {
    /// Returns the headers of the records.
    ///
    /// - Throws: `invalid` if a record is malformed, an id occurs twice or a limit is exceeded.
    static func headers(
        of records: Span<UInt8>, segmentBytes: Int
    ) throws(AppendError) -> [RecordHeader] {
        guard records.count <= min(Limits.appendBytes, segmentBytes - SegmentHeader.size) else {
            throw .invalid(
                "an append may have \(min(Limits.appendBytes, segmentBytes - SegmentHeader.size)) "
                    + "bytes at most, not \(records.count)")
        }
        var headers: [RecordHeader] = []
        var ids: Set<EventID> = []
        var offset = 0
        while offset < records.count {
            let rest = records.extracting(offset..<records.count)
            let header = try admit(rest)
            guard ids.insert(header.id).inserted else {
                throw .invalid("the append has event id \(header.id) twice")
            }
            headers.append(header)
            offset += header.length
        }
        guard (1...Limits.appendEvents).contains(headers.count) else {
            throw .invalid(
                "an append must have 1 to \(Limits.appendEvents) events, not \(headers.count)")
        }
        return headers
    }

    private static func admit(_ bytes: Span<UInt8>) throws(AppendError) -> RecordHeader {
        do throws(RecordError) {
            let header = try RecordHeader.checked(bytes)
            let record = bytes.extracting(first: header.length)
            try RecordHeader.verifyBody(record)
            try checkNames(record, header)
            return header
        } catch {
            throw .invalid(error.description)
        }
    }

    private static func checkNames(
        _ record: Span<UInt8>, _ header: RecordHeader
    ) throws(RecordError) {
        let stream = record.extracting(header.stream)
        let category = stream.extracting(first: categoryLength(of: stream))
        guard stream.allSatisfy(NameRule.isNameByte), !category.isEmpty,
            category.allSatisfy({ $0 != UInt8(ascii: ".") })
        else {
            throw .damaged("its stream name is invalid")
        }
        let type = record.extracting(header.type)
        guard !type.isEmpty, type.allSatisfy(NameRule.isNameByte) else {
            throw .damaged("its event type is invalid")
        }
        guard header.tagCount <= Limits.tags else { throw .damaged("it has too many tags") }
        var at = header.tags.lowerBound
        for _ in 0..<header.tagCount {
            let tag = record.extracting(at + 1..<at + 1 + Int(record[at]))
            guard isUTF8(tag) else { throw .damaged("one of its tags is not UTF-8") }
            at += 1 + Int(record[at])
        }
        guard isUTF8(record.extracting(header.contentType)) else {
            throw .damaged("its content type is not UTF-8")
        }
        guard record.extracting(RecordLayout.flags..<RecordLayout.headChecksum).isZero,
            record.extracting(RecordLayout.tagsLength + 2..<RecordLayout.metadataLength).isZero,
            record.extracting(header.data.upperBound..<header.length).isZero
        else { throw .damaged("its reserved bytes are not zero") }
    }

    private static func isUTF8(_ bytes: Span<UInt8>) -> Bool {
        unsafe bytes.withUnsafeBufferPointer { unsafe String(validating: $0, as: UTF8.self) } != nil
    }
}

extension Span<UInt8> {
    fileprivate func allSatisfy(_ isMeant: (UInt8) -> Bool) -> Bool {
        for index in indices where !isMeant(self[index]) { return false }
        return true
    }
}
