import Logging

extension Bus {
    /// Begins the journal's next generation, if this one has grown long. Meanwhile commits go on.
    func beginSnapshot() async throws {
        guard commits.snapshotTask == nil,
            let next = try await journal.dueGeneration(minimum: journalBytes)
        else { return }
        commits.snapshotTask = Task(executorPreference: loop) { await self.takeSnapshot(next) }
    }

    /// One that fails, as the disk is full, is left: the journal goes on as it is, and is tried
    /// again when it is twice as long.
    private func takeSnapshot(_ next: JournalGeneration) async {
        do {
            commits.snapshot = (next, try await store.snapshot(to: next))
        } catch {
            logger.warning(
                "the bus's journal can't be begun again", metadata: ["reason": "\(error)"])
            journalBytes = max(2 * journalBytes, 1 << 20)
            commits.snapshotTask = nil
            do {
                try next.discard()
            } catch {
                logger.warning(
                    "\(next.path).new can't be removed", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// Goes on in the journal's next generation, once there is one.
    func takeUpSnapshot() async throws {
        guard let (next, position) = commits.snapshot else { return }
        await commits.snapshotTask?.value
        (commits.snapshot, commits.snapshotTask) = (nil, nil)
        commits.move(to: try await journal.move(to: next, from: position))
        // The tables are to know that they follow another one.
        try await flush()
        logger.notice("the bus's journal begins again", metadata: ["folder": "\(next.path)"])
    }
}
