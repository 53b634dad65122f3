/// Why an entry was taken out of its queue without having been acknowledged; the raw values are
/// what dead letters carry.
public enum DeathCause: String, Codable, Hashable, Sendable {
    /// It was delivered as often as its queue's retry policy allows, and failed each time.
    case maximumReceives = "MaximumReceives"
    /// It was not acknowledged before it reached the age that its queue's retry policy allows.
    case maximumAge = "MaximumAge"
    /// The target of its rule does not exist.
    case targetNotFound = "TargetNotFound"
}
