public import EventSourcing
public import ObjectStorage

/// Reads an archive as it was when the reader was made. Nothing is given that does not check.
public struct ArchiveReader: Sendable {
    public let manifest: ArchiveManifest
    private let store: ArchiveStore

    /// - Throws: `noArchive` if there is none of this name.
    public init(in storage: any ObjectStorage, name: String) async throws(ArchiveError) {
        store = try ArchiveStore(storage, name: name)
        guard let manifest = try await store.manifest() else { throw .noArchive(name) }
        self.manifest = manifest
    }

    /// The archived events at positions `from...through` of times in `times`, in the order of the
    /// log.
    public func events(
        from: UInt64 = 1, through: UInt64 = .max, times: Range<Timestamp>? = nil
    ) -> ArchivedEvents {
        ArchivedEvents(
            store: store, manifest: manifest, from: from, through: through, times: times)
    }

    /// The same by time alone: from `since` on, up to before `until`.
    public func events(since: Timestamp, until: Timestamp) -> ArchivedEvents {
        events(times: since..<max(since, until))
    }

    /// Reads and checks every segment.
    ///
    /// - Parameter progress: called with each segment once it has been checked.
    /// - Returns: the damage found; none, if the archive is sound.
    /// - Throws: if the storage fails.
    public func verify(
        progress: (ArchiveSegment) -> Void = { _ in }
    ) async throws(ArchiveError) -> [ArchiveError] {
        var damage: [ArchiveError] = []
        for segment in manifest.segments {
            do throws(ArchiveError) {
                let contents = try await store.contents(of: segment, in: manifest)
                if let found = contents.damage { damage.append(found) }
            } catch {
                if case .storage = error { throw error }
                damage.append(error)
            }
            progress(segment)
        }
        return damage
    }
}

/// The events of an archive, read one segment at a time.
///
/// At damage the events before it are given, and then the error is thrown, which says where to go
/// on from: behind its `last`.
public struct ArchivedEvents: AsyncSequence, Sendable {
    public typealias Element = RecordedEvent
    public typealias Failure = ArchiveError

    let store: ArchiveStore
    let manifest: ArchiveManifest
    let from: UInt64
    let through: UInt64
    let times: Range<Timestamp>?

    public func makeAsyncIterator() -> Iterator {
        Iterator(wanted: self)
    }

    public struct Iterator: AsyncIteratorProtocol {
        private let wanted: ArchivedEvents
        private var segments: ArraySlice<ArchiveSegment>
        private var events: ArraySlice<RecordedEvent> = []
        private var damage: ArchiveError?

        init(wanted: ArchivedEvents) {
            self.wanted = wanted
            segments = wanted.manifest.segments.filter(wanted.mayHold)[...]
        }

        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(ArchiveError) -> RecordedEvent? {
            while true {
                while let event = events.popFirst() {
                    if wanted.wants(event) { return event }
                }
                if let damage { throw end(with: damage) }
                guard let segment = segments.popFirst() else { return nil }
                let contents: SegmentContents
                do throws(ArchiveError) {
                    contents = try await wanted.store.contents(of: segment, in: wanted.manifest)
                } catch {
                    throw end(with: error)
                }
                events = contents.events[...]
                damage = contents.damage
            }
        }

        /// Nothing comes behind an error: who went on would not see that events are missing.
        private mutating func end(with error: ArchiveError) -> ArchiveError {
            segments = []
            damage = nil
            return error
        }

        public mutating func next() async throws(ArchiveError) -> RecordedEvent? {
            try await next(isolation: #isolation)
        }
    }

    private func mayHold(_ segment: ArchiveSegment) -> Bool {
        segment.first <= through && segment.last >= from
            && times.map { segment.firstTime < $0.upperBound && segment.lastTime >= $0.lowerBound }
                ?? true
    }

    private func wants(_ event: RecordedEvent) -> Bool {
        from <= event.position && event.position <= through
            && times?.contains(event.time) ?? true
    }
}
