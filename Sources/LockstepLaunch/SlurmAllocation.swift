import LockstepText

/// The nodes and tasks that Slurm has given to a job, as its environment variables say: sbatch(1), OUTPUT ENVIRONMENT VARIABLES.
package struct SlurmAllocation: Hashable, Sendable {
    /// Why the variables describe no allocation in which a coordinator can start workers.
    package struct Fault: Error, Hashable, CustomStringConvertible {
        package let description: String
    }

    package let job: String
    /// Each node with its number of tasks, of which each becomes a worker process.
    package let nodes: [HostEntry]
    /// Cores of each task.
    package let coresPerTask: Int

    /// What a user types who is outside of an allocation.
    package static let example = """
        #!/bin/sh
        #SBATCH --ntasks=8
        #SBATCH --signal=B:USR1@120
        exec lockstep train CONFIG --slurm --resume=auto --output RUN
        """

    /// Reads the variables.
    ///
    /// - Parameter variable: The value of an environment variable; nil if it is not set.
    /// - Throws: ``Fault`` outside of an allocation, in one of several tasks, and for values that Slurm does not write.
    package init(_ variable: (String) -> String?) throws(Fault) {
        guard let job = variable("SLURM_JOB_ID"), let list = variable("SLURM_JOB_NODELIST") else {
            throw Fault(
                description:
                    "--slurm needs an allocation of Slurm, and SLURM_JOB_ID is not set: submit a script with sbatch, "
                    + "or begin with salloc. For example:\n\(Self.example)")
        }
        if let tasks = variable("SLURM_STEP_NUM_TASKS").flatMap({ Int($0) }), tasks > 1 {
            throw Fault(
                description: "--slurm starts the workers itself, and this is one of \(tasks) tasks of srun: run it "
                    + "without srun")
        }
        guard Int(job) != nil else {
            throw Fault(description: "SLURM_JOB_ID is '\(job.printable)', which is no number")
        }
        self.job = job
        coresPerTask = try Self.positive(variable("SLURM_CPUS_PER_TASK") ?? "1", of: "SLURM_CPUS_PER_TASK")
        let hosts: [HostEntry]
        do {
            hosts = try HostList.parse(list)
        } catch {
            throw Fault(description: "SLURM_JOB_NODELIST: \(error)")
        }
        let counts = try variable("SLURM_TASKS_PER_NODE").map(Self.counts)
        guard counts == nil || counts?.count == hosts.count else {
            throw Fault(
                description: "SLURM_TASKS_PER_NODE names \(counts?.count ?? 0) nodes, and SLURM_JOB_NODELIST "
                    + "\(hosts.count)")
        }
        nodes = hosts.indices.map { HostEntry(name: hosts[$0].name, processes: counts?[$0] ?? 1) }
    }

    /// The numbers in `2(x3),1`: 2, 2, 2 and 1.
    static func counts(_ text: String) throws(Fault) -> [Int] {
        var counts: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let words = part.split(separator: "(", maxSplits: 1)
            let count = try positive(words.first.map(String.init) ?? "", of: "SLURM_TASKS_PER_NODE")
            var times = 1
            if words.count == 2 {
                guard words[1].hasPrefix("x"), words[1].hasSuffix(")") else {
                    throw Fault(description: "SLURM_TASKS_PER_NODE is '\(text.printable)', and not such as 2(x3),1")
                }
                times = try positive(String(words[1].dropFirst().dropLast()), of: "SLURM_TASKS_PER_NODE")
            }
            guard counts.count + times <= HostList.maximumHosts else {
                throw Fault(description: "SLURM_TASKS_PER_NODE names more than \(HostList.maximumHosts) nodes")
            }
            counts += [Int](repeating: count, count: times)
        }
        return counts
    }

    private static func positive(_ text: String, of variable: String) throws(Fault) -> Int {
        guard let number = Int(text), (1...HostList.maximumProcesses).contains(number) else {
            throw Fault(
                description: "\(variable) has '\(text.printable)', which is no number from 1 to "
                    + "\(HostList.maximumProcesses)")
        }
        return number
    }
}
