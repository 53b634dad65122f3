import WireProtocol

/// The dry runs of replays: what each would do, as far as that is known.
struct DryRuns {
    private static let kept: Duration = .seconds(60)

    struct DryRun {
        var plan = ReplayPlan()
        var problem: ProtocolError?
        /// When a caller last asked for it. A dry run that nobody asks for is dropped.
        fileprivate(set) var askedAt: RunningTime
    }

    private var runs: [ReplayDefinition: DryRun] = [:]

    /// Returns the plan so far, and whether the caller must start the dry run.
    ///
    /// - Throws: the problem that ended the dry run.
    mutating func ask(
        for replay: ReplayDefinition, at now: RunningTime
    ) throws -> (plan: ReplayPlan, isNew: Bool) {
        runs = runs.filter { $0.value.askedAt + Self.kept >= now }
        guard var run = runs[replay] else {
            runs[replay] = DryRun(askedAt: now)
            return (ReplayPlan(), true)
        }
        run.askedAt = now
        // The next caller starts a new dry run.
        runs[replay] = run.plan.isComplete || run.problem != nil ? nil : run
        if let problem = run.problem { throw problem }
        return (run.plan, false)
    }

    /// The dry run of the replay, or nil if nobody asks for it any more.
    subscript(replay: ReplayDefinition) -> DryRun? {
        get { runs[replay] }
        set { runs[replay] = newValue }
    }
}

extension ReplayPlan {
    /// Adds an event and its queues.
    mutating func add(_ position: UInt64, _ routes: [Route]) {
        guard !routes.isEmpty else { return }
        events += 1
        first = first == 0 ? position : first
        last = position
        for route in routes { queues[route.queue, default: 0] += 1 }
    }
}
