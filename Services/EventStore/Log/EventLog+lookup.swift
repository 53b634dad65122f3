public import EventSourcing

extension EventLog {
    struct Place {
        var revision: UInt64
        var previous: UInt64
    }

    /// The first append's answer, if all events are in the log with the same content; nil if none
    /// is.
    func repetition(
        of records: Span<UInt8>, _ headers: [RecordHeader]
    ) throws(AppendError) -> Appended? {
        var found: [RecordedEvent] = []
        var hasNew = false
        var offset = 0
        for header in headers {
            let body = records.extracting(offset + RecordLayout.headSize..<offset + header.length)
            offset += header.length
            guard let event = try event(id: header.id) else {
                hasNew = true
                continue
            }
            found.append(event)
            guard isEqual(event.body, body) else {
                throw .idReused(event.id, position: event.position)
            }
        }
        if hasNew, let known = found.first { throw .idReused(known.id, position: known.position) }
        guard let first = found.first, let last = found.last else { return nil }
        return Appended(
            first: first.position, last: last.position, lastRevision: last.revision,
            time: last.time, isRepeat: true)
    }

    /// Throws if the condition does not hold of what is committed or staged.
    func check(_ condition: AppendCondition) throws(AppendError) {
        for stream in condition.streams {
            let actual = try last(.stream, stream.name.description)?.revision
            let holds =
                switch stream.expected {
                case .any: true
                case .noStream: actual == nil
                case .streamExists: actual != nil
                case .revision(let revision): actual == revision
                }
            guard holds else { throw .wrongRevision(stream.name, actual: actual) }
        }
        guard let none = condition.noneMatching else { return }
        if let match = try firstMatch(none.query, after: none.after) {
            throw .conditionFailed(position: match)
        }
    }

    /// The committed event of this id, if there is one.
    public func committedEvent(id: EventID) throws(AppendError) -> RecordedEvent? {
        let event = try event(id: id)
        return event.flatMap { $0.position <= head ? $0 : nil }
    }

    /// The event of this id, staged ones included.
    func event(id: EventID) throws(AppendError) -> RecordedEvent? {
        let term = Term(id: id)
        for segment in segments.reversed() {
            for ordinal in segment.ordinals(term) {
                let event = try record(ordinal, of: segment)
                if event.id == id { return event }
            }
        }
        return nil
    }

    /// Revision and predecessor of each event about to be staged.
    func places(
        for headers: [RecordHeader], in records: Span<UInt8>
    ) throws(AppendError) -> [Place] {
        var revisions: [String: UInt64] = [:]
        var previous: [String: UInt64] = [:]
        var places: [Place] = []
        var offset = 0
        for (index, header) in headers.enumerated() {
            let name = text(records.extracting(offset..<offset + header.length), header.stream)
            let category = StreamName.category(of: name)
            if revisions[name] == nil {
                revisions[name] = try last(.stream, name).map { $0.revision + 1 } ?? 0
            }
            if previous[category] == nil {
                previous[category] = try last(.category, category)?.position ?? 0
            }
            places.append(
                Place(revision: revisions[name] ?? 0, previous: previous[category] ?? 0))
            revisions[name, default: 0] += 1
            previous[category] = nextPosition + UInt64(index)
            offset += header.length
        }
        return places
    }

    /// The last event of a stream or category, staged ones included.
    private func last(
        _ kind: Term.Kind, _ name: String
    ) throws(AppendError) -> RecordedEvent? {
        let term = Term(kind, name)
        for segment in segments.reversed() {
            for ordinal in segment.ordinals(term).reversed() {
                let event = try record(ordinal, of: segment)
                let isIt =
                    kind == .stream ? event.stream.description == name : event.category == name
                if isIt { return event }
            }
        }
        return nil
    }

    private func firstMatch(
        _ query: EventQuery, after position: UInt64
    ) throws(AppendError) -> UInt64? {
        for segment in segments where segment.nextPosition > position + 1 {
            let ordinals = segment.candidates(query) ?? (0..<UInt32(segment.count)).map { $0 }
            for ordinal in ordinals where segment.base + UInt64(ordinal) > position {
                let event = try record(ordinal, of: segment)
                if query.matches(event) { return event.position }
            }
        }
        return nil
    }

    private func record(
        _ ordinal: UInt32, of segment: SegmentIndex
    ) throws(AppendError) -> RecordedEvent {
        do { return try recordedEvent(ordinal, of: segment) } catch { throw .log(error) }
    }

    /// The record, from disk or, if it is staged, from the group.
    func recordedEvent(
        _ ordinal: UInt32, of segment: SegmentIndex
    ) throws(LogError) -> RecordedEvent {
        let start = Int(segment.offsets[Int(ordinal)])
        let next = Int(ordinal) + 1
        let end = next < segment.count ? Int(segment.offsets[next]) : segment.end
        let isLast = segment.base == segments.last?.base
        let onDisk = isLast ? segment.end - group.count : segment.end
        let bytes: ArraySlice<UInt8>
        if start >= onDisk {
            bytes = group[start - onDisk..<end - onDisk]
        } else {
            bytes = try storing { () throws(StorageError) in
                try storage.read(segment.name, at: start, count: end - start)
            }[...]
        }
        do throws(RecordError) {
            let event = try RecordedEvent(bytes)
            try event.verify()
            return event
        } catch {
            throw .damaged(segment: segment.name, offset: start, error.description)
        }
    }
}

private func text(_ bytes: Span<UInt8>, _ range: Range<Int>) -> String {
    let part = bytes.extracting(range)
    return unsafe part.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
}

private func isEqual(_ a: ArraySlice<UInt8>, _ b: Span<UInt8>) -> Bool {
    unsafe b.withUnsafeBufferPointer { unsafe a.elementsEqual($0) }
}
