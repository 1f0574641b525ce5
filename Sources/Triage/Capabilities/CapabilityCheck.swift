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

    /// Compares what `token` asks for with `machine`.
    package init(_ token: ForkToken, on machine: Machine) {
        for (key, value) in token.requirements.members {
            switch key {
            case "deps": check(packages: value, on: machine)
            case "gpu": check(gpu: value, on: machine)
            default:
                add("\(key): \(value.text(.python))", .unknown, "nothing here knows how to check that")
            }
        }
    }

    private mutating func add(_ wanted: String, _ outcome: ForkCheck.Outcome, _ detail: String) {
        items.append(Item(wanted: wanted, outcome: outcome, detail: detail))
    }

    private mutating func check(packages: JSONValue, on machine: Machine) {
        guard let list = packages.list else {
            return add("deps: \(packages.text(.python))", .unknown, "it is not a list of requirements")
        }
        for value in list {
            guard let text = value.text, let requirement = Requirement(text) else {
                add(value.text ?? value.text(.python), .unknown, "it is not a requirement that can be read")
                continue
            }
            check(requirement, on: machine)
        }
    }

    private mutating func check(_ requirement: Requirement, on machine: Machine) {
        guard let packages = machine.packages else { return add(requirement.text, .unknown, machine.python) }
        guard let version = packages[requirement.name] else {
            missing.append(requirement.text)
            return add(requirement.text, .fail, "not installed for \(machine.python)")
        }
        if let objection = requirement.objection(to: version) {
            otherVersion.append(requirement.text)
            return add(requirement.text, .fail, "\(objection) for \(machine.python)")
        }
        let found = "version \(version) is installed for \(machine.python)"
        guard let remainder = requirement.remainder else { return add(requirement.text, .pass, found) }
        add(requirement.text, .unknown, "\(found), and \(remainder)")
    }

    private mutating func check(gpu value: JSONValue, on machine: Machine) {
        guard let isNeeded = value.bool else {
            return add("gpu: \(value.text(.python))", .unknown, "it is neither true nor false")
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
        let detail = items.filter { $0.outcome == outcome || outcome == .pass }
            .map { "\($0.wanted): \($0.detail)" }.joined(separator: "; ")
        return ForkCheck(.capabilities, outcome, items.isEmpty ? "nothing is asked for" : detail)
    }
}
