internal import Glibc

/// What this machine has, as far as forks ask for it.
package struct Machine: Sendable {
    /// Its name.
    package var host: String
    /// The installed Python packages by their normal names, with their versions; nil where there is no Python.
    package var packages: [String: String]?
    /// Which Python was asked, or why none could be.
    package var python: String
    /// The device files of GPUs that there are.
    package var gpuDevices: [String]

    /// A machine from what is known of it.
    package init(host: String, packages: [String: String]?, python: String, gpuDevices: [String]) {
        self.host = host
        self.packages = packages
        self.python = python
        self.gpuDevices = gpuDevices
    }

    /// Looks at this machine. Blocks while Python lists its packages.
    ///
    /// - Parameter python: The program to ask; a name is looked for in `PATH`.
    package static func survey(python: String = "python3") -> Machine {
        let (packages, asked) = packages(of: python)
        return Machine(host: hostName(), packages: packages, python: asked, gpuDevices: gpuDevices())
    }

    /// This host's name, as the peers' `platform.node()` has it.
    package static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// What Python is asked. Nothing is taken from the folder that it happens to run in.
    private static let question = """
        from sys import executable, path, version
        path[:] = [p for p in path if p]
        from importlib import metadata as m
        print("python", version.split()[0], executable, sep="\\t")
        for d in m.distributions():
            n = d.metadata["Name"]
            if n: print("package", n, d.version, sep="\\t")
        """

    private static func packages(of python: String) -> ([String: String]?, String) {
        guard let path = LocalProgram.find(python) else { return (nil, "there is no program '\(python)'") }
        var program = LocalProgram(path, ["-c", question])
        program.folder = "/"
        program.timeLimit = .seconds(60)
        program.keptOutput = 8 << 20
        let outcome: LocalProgram.Outcome
        do throws(LocalProgram.StartFailure) {
            outcome = try program.run { false }
        } catch {
            return (nil, error.explanation)
        }
        guard outcome.status == 0 else { return (nil, "'\(path)' could not list its packages") }
        var packages: [String: String] = [:]
        var asked = path
        for line in String(decoding: outcome.output.tail, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard words.count == 3 else { continue }
            if words[0] == "python" { asked = "\(words[2]) (\(words[1]))" }
            // Of a package that is there twice the first one is what is imported.
            let name = Requirement.normalized(words[1])
            if words[0] == "package", packages[name] == nil { packages[name] = words[2] }
        }
        return (packages, asked)
    }

    /// Device files of NVIDIA's and AMD's compute drivers, and of renderers of any make.
    private static func gpuDevices() -> [String] {
        let places = [("/dev", "nvidia"), ("/dev", "kfd"), ("/dev/dri", "renderD")]
        return places.flatMap { folder, prefix in
            names(in: folder).filter { name in
                guard name.hasPrefix(prefix) else { return false }
                let rest = name.dropFirst(prefix.count)
                return prefix == "kfd" ? rest.isEmpty : !rest.isEmpty && rest.allSatisfy(\.isNumber)
            }.map { "\(folder)/\($0)" }
        }.sorted()
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: UInt8.self, capacity: 256) { bytes in
                    String(decoding: UnsafeBufferPointer(start: bytes, count: strnlen(bytes, 256)), as: UTF8.self)
                }
            }
            names.append(name)
        }
        return names
    }
}
