import WireProtocol

extension BusQueue {
    /// Returns the queue and its figures.
    func view(at now: RunningTime, deadLetters: Int) -> QueueView {
        let counts = state.counts
        var view = QueueView(queue: row.definition)
        view.isPaused = row.isPaused
        view.isFilling = filledThrough != nil
        view.depth = counts.total - counts.inFlight + counts.blocked + waitingOnDisk
        view.delayed = counts.delayed
        view.waitingBehindDead = counts.blocked
        view.inFlight = counts.inFlight
        view.deadLetters = deadLetters
        view.oldest = oldest
        view.throughput = throughput(at: now)
        view.acknowledged = row.acknowledged
        view.dropped = row.dropped
        return view
    }
}
