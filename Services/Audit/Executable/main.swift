import AuditMain
import ServiceKit

await Executable.audit.run()
