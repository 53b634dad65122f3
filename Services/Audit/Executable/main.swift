import AuditMain
import CommandLine

await Executable.audit.run()
