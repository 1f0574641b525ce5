internal import Fabric

/// What a fork asks of whoever goes on with it, compared with a machine (`triage.md`, section 6).
package struct CapabilityCheck: Sendable {
    /// One thing that was asked for.
    package struct Item: Sendable, Equatable {
        /// What was asked for, as it is spelled.
        package let wanted: String
        /// Whether it is there.
        package let outcome: ForkCheck.Outcome
        /// What was looked at and found.
        package let detail: String
    }

    /// One for each thing that was asked for.
    package private(set) var items: [Item] = []
    /// Packages that are not installed.
    package private(set) var missing: [String] = []
    /// Packages that are installed in another version.
    package private(set) var otherVersion: [String] = []
    /// Whether there is a GPU; nil where none is asked for.
    package private(set) var hasGPU: Bool?

    /// The most version clauses of one token that are evaluated, over all of its requirements.
    package static let mostClauses = 1000
    /// The most bytes of what was asked for that are repeated in a record.
    private static let longestShown = 256
    /// How many things are named in the summary of all.
    private static let mostNamed = 20

    private var clausesLeft = Self.mostClauses
    private var skipped = 0

    /// Compares what `token` asks for with `machine`. Takes time in the number of requirements, up to about a second:
    /// not to be called on a thread of the tasks' pool.
    package init(_ token: ForkToken, on machine: Machine) {
        for (key, value) in token.requirements.members {
            switch key {
            case "deps": check(packages: value, on: machine)
            case "gpu": check(gpu: value, on: machine)
            default:
                guard spend(1) else { continue }
                add("\(Self.shown(key)): \(Self.shown(value))", .unknown, "nothing here knows how to check that")
            }
        }
        guard skipped > 0 else { return }
        add(
            "\(skipped) more", .unknown,
            "not evaluated: at most \(Self.mostClauses) requirements and version clauses of one fork are")
    }

    /// Takes so many clauses from what may be evaluated; once there are too few, nothing more is.
    private mutating func spend(_ clauses: Int) -> Bool {
        guard clauses <= clausesLeft else {
            clausesLeft = 0
            skipped += 1
            return false
        }
        clausesLeft -= clauses
        return true
    }

    private mutating func add(_ wanted: String, _ outcome: ForkCheck.Outcome, _ detail: String) {
        items.append(Item(wanted: Self.shown(wanted), outcome: outcome, detail: detail))
    }

    /// The beginning of a text from a token.
    private static func shown(_ text: String) -> String {
        guard text.utf8.count > longestShown else { return text }
        return String(decoding: text.utf8.prefix(longestShown), as: UTF8.self) + "…"
    }

    private static func shown(_ value: JSONValue) -> String { shown(value.text ?? value.text(.python)) }

    private mutating func check(packages: JSONValue, on machine: Machine) {
        guard let list = packages.list else {
            return add("deps: \(Self.shown(packages))", .unknown, "it is not a list of requirements")
        }
        for value in list {
            guard spend(value.text.map(Requirement.clauseCount) ?? 1) else { continue }
            guard let text = value.text else {
                add(Self.shown(value), .unknown, "it is not a requirement that can be read")
                continue
            }
            guard text.utf8.count <= Requirement.longest else {
                add(text, .unknown, "not evaluated: it is longer than \(Requirement.longest) bytes")
                continue
            }
            guard let requirement = Requirement(text) else {
                add(text, .unknown, "it is not a requirement that can be read")
                continue
            }
            check(requirement, on: machine)
        }
    }

    private mutating func check(_ requirement: Requirement, on machine: Machine) {
        guard let packages = machine.packages else { return add(requirement.text, .unknown, machine.python) }
        guard let version = packages[requirement.name] else {
            missing.append(Self.shown(requirement.text))
            return add(requirement.text, .fail, "not installed for \(machine.python)")
        }
        if let objection = requirement.objection(to: version) {
            otherVersion.append(Self.shown(requirement.text))
            return add(requirement.text, .fail, "\(objection) for \(machine.python)")
        }
        let found = "version \(version) is installed for \(machine.python)"
        guard let remainder = requirement.remainder else { return add(requirement.text, .pass, found) }
        add(requirement.text, .unknown, "\(found), and \(remainder)")
    }

    private mutating func check(gpu value: JSONValue, on machine: Machine) {
        guard let isNeeded = value.bool else {
            return add("gpu: \(Self.shown(value))", .unknown, "it is neither true nor false")
        }
        guard isNeeded else { return }
        hasGPU = !machine.gpuDevices.isEmpty
        if machine.gpuDevices.isEmpty {
            add("gpu", .fail, "there is no /dev/nvidia0, /dev/kfd or /dev/dri/renderD128 or the like")
        } else {
            add("gpu", .pass, "there is \(machine.gpuDevices.joined(separator: ", "))")
        }
    }

    /// All of them together.
    package var check: ForkCheck {
        let outcomes = items.map(\.outcome)
        let outcome: ForkCheck.Outcome =
            outcomes.contains(.fail) ? .fail : outcomes.contains(.unknown) ? .unknown : .pass
        let named = items.filter { $0.outcome == outcome || outcome == .pass }
        var detail = named.prefix(Self.mostNamed).map { "\($0.wanted): \($0.detail)" }.joined(separator: "; ")
        if named.count > Self.mostNamed { detail += "; and \(named.count - Self.mostNamed) more" }
        return ForkCheck(.capabilities, outcome, items.isEmpty ? "nothing is asked for" : detail)
    }
}
