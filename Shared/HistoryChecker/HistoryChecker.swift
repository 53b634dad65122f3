public import EventSourcing

/// Checks a history of concurrent calls against the resulting log.
///
/// The streams of one category are checked as one register each (Herlihy and Wing,
/// "Linearizability", 1990), which is cheap because the log has the order of the effects:
///
/// - every acknowledged command has its events exactly once, every other at most once, at a
///   position between the effects of the calls before it and those of the calls after it;
/// - the events are what the domain decides on the state before them;
/// - every rejection, every "nothing to do" and every figure is right for a state that the stream
///   had at a moment between the call and its answer.
public struct HistoryChecker<Subject: Aggregate> where Subject.Event: Equatable {
    private let calls: [Call<Subject>]
    private let streams: [String: StreamHistory<Subject>]
    private let effects: [EventID: [Recorded<Subject.Event>]]
    private let moments: CallMoments
    private let isExplained: (Recorded<Subject.Event>) -> Bool

    /// Creates a checker of a history.
    ///
    /// - Parameters:
    ///   - calls: the calls of all clients.
    ///   - events: all events of the subject's category, in the order of the log.
    ///   - isExplained: whether to expect an event that belongs to no command in `calls`.
    public init(
        _ calls: [Call<Subject>], _ events: [Recorded<Subject.Event>],
        isExplained: @escaping (Recorded<Subject.Event>) -> Bool = { _ in false }
    ) {
        self.calls = calls
        self.isExplained = isExplained
        let effects = Dictionary(grouping: events, by: \.id)
        self.effects = effects
        streams = Dictionary(grouping: events, by: \.stream.id).mapValues(StreamHistory.init)
        moments = CallMoments(calls) { Self.effect(of: $0, effects)?.position }
    }

    /// Returns all violations. A history that a correct system can have has none.
    public func findings() -> [Finding] {
        var findings: [Finding] = []
        var explained: Set<EventID> = []
        for (index, call) in calls.enumerated() {
            switch call.request {
            case .command(let command, let id):
                explained.insert(id(0))
                let found = check(command, id, call, &explained)
                findings += found.map { Finding(kind: $0.kind, call: index, detail: $0.detail) }
            case .question(let subject, let figure, let holds):
                guard call.answer == .answered,
                    !states(of: subject, during: call).contains(where: holds)
                else { continue }
                findings.append(
                    Finding(kind: .untrue, call: index, detail: "\(subject): \(figure)"))
            }
        }
        for event in effects.values.joined().sorted(by: { $0.position < $1.position })
        where !explained.contains(event.id) && !isExplained(event) {
            findings.append(Finding(kind: .unexplained, detail: Self.place(of: event)))
        }
        return findings
    }

    private typealias Fault = (kind: Finding.Kind, detail: String)

    private func check(
        _ command: Subject.Command, _ id: (Int) -> EventID, _ call: Call<Subject>,
        _ explained: inout Set<EventID>
    ) -> [Fault] {
        let found = effects[id(0)] ?? []
        guard let effect = found.first else { return checkAbsence(command, call) }
        let place = Self.place(of: effect)
        var faults = checkOrder(effect, call)
        if found.count > 1 { faults.append((.doubled, "\(command) has \(found.count) events")) }
        let (decided, actual) = self.decided(command, id, effect)
        for index in decided.indices { explained.insert(id(index)) }
        if decided != actual {
            faults.append((.wrongEvent, "\(place) is not the decision on \(command)"))
        }
        switch call.answer {
        case .acknowledged(let position):
            let end = effect.position + UInt64(max(actual.count, 1) - 1)
            if position != end { faults.append((.wrongPosition, "\(position), but \(place)")) }
        case .nothing: faults.append((.rejectedAndDone, "nothing to do, but \(place)"))
        case .rejected(let reason): faults.append((.rejectedAndDone, "\(reason), but \(place)"))
        case .unknown, .answered: break
        }
        return faults
    }

    private func checkOrder(_ effect: Recorded<Subject.Event>, _ call: Call<Subject>) -> [Fault] {
        let place = Self.place(of: effect)
        let (first, last) = moments.effects(of: call.started, call.ended)
        if effect.position <= first, !moments.isRepeated(effect.position, before: call.started) {
            return [(.wrongOrder, "\(place) is before an effect that preceded the call")]
        }
        // A call without an answer may take effect after the caller has given up.
        if effect.position > min(last, call.head ?? .max), call.answer != .unknown {
            return [(.wrongOrder, "\(place) is after an effect that followed the call")]
        }
        return []
    }

    private func checkAbsence(_ command: Subject.Command, _ call: Call<Subject>) -> [Fault] {
        let decisions = states(of: Subject.id(of: command), during: call).lazy.map { state in
            Self.decide(command, state)
        }
        switch call.answer {
        case .acknowledged(let position):
            return [(.lost, "\(command), acknowledged at position \(position)")]
        case .nothing:
            let isJustified = decisions.contains {
                if case .success([]) = $0 { true } else { false }
            }
            return isJustified ? [] : [(.unjustified, "\(command) had something to do")]
        case .rejected(let reason):
            let isJustified = decisions.contains {
                if case .failure(let error) = $0 { error.description == reason } else { false }
            }
            return isJustified ? [] : [(.unjustified, "\(command): \(reason)")]
        case .unknown, .answered: return []
        }
    }

    /// Returns the events that the domain decides on the state before the command's first event,
    /// and those in the log.
    private func decided(
        _ command: Subject.Command, _ id: (Int) -> EventID, _ effect: Recorded<Subject.Event>
    ) -> (decided: [Subject.Event], actual: [Subject.Event]) {
        guard effect.stream.id == Subject.id(of: command),
            let stream = streams[effect.stream.id],
            case .success(let decided) = Self.decide(command, stream.state(before: effect.position))
        else { return ([], [effect.event]) }
        return (decided, decided.indices.compactMap { effects[id($0)]?.first?.event })
    }

    private func states(of subject: String, during call: Call<Subject>) -> ArraySlice<Subject.State>
    {
        guard let stream = streams[subject] else { return [Subject.initial] }
        let (first, last) = moments.effects(of: call.started, call.ended)
        return stream.states(from: max(first, call.known), through: min(last, call.head ?? .max))
    }

    private static func effect(
        of call: Call<Subject>, _ effects: [EventID: [Recorded<Subject.Event>]]
    ) -> Recorded<Subject.Event>? {
        guard case .command(_, let id) = call.request else { return nil }
        return effects[id(0)]?.first
    }

    private static func decide(
        _ command: Subject.Command, _ state: Subject.State
    ) -> Result<[Subject.Event], Subject.Rejection> {
        Result { () throws(Subject.Rejection) in try Subject.decide(command, given: state) }
    }

    private static func place(of event: Recorded<Subject.Event>) -> String {
        "\(event.event.type) at position \(event.position) of \(event.stream)"
    }
}
