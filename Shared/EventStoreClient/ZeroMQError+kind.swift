public import EventSourcing
public import ZeroMQ

extension ZeroMQError: ClassifiedError {
    /// `usage` for a malformed endpoint. Otherwise `unavailable`: it is in use or can't be reached.
    public var kind: DaybookError.Kind {
        let isMalformed = [.invalid, .unknownTransport, .tooLong].contains { $0 ~= self }
        return isMalformed ? .usage : .unavailable
    }
}
