public import EventSourcing
public import ZeroMQ

extension ZeroMQError: ClassifiedError {
    /// Always `unavailable`: the endpoint is wrong, in use, or can't be reached.
    public var kind: DaybookError.Kind { .unavailable }
}
